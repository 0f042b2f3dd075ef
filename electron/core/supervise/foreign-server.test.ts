// A foreign server on our port: recognised by its command line and its screen session, and ended by identity alone.
import { rmSync, symlinkSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatform } from '../platform/detect-platform.ts'
import type { ProcessTable } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { startTestChild, type TestChild } from '../platform/test-support/child.ts'
import { hasRecordings, listRecordings, readRecording } from '../platform/test-support/recordings.ts'
import {
  describeForeignServer,
  endForeignServer,
  isServerCommand,
  readScreenSession,
} from './foreign-server.ts'
import { standInProgram } from './test-support/stand-in.ts'

describe('isServerCommand', () => {
  it.each([
    ['llamaServer', './llama-server -m /Users/Shared/Models/a.gguf -md b.gguf', true],
    ['llamaServer', '/Users/ana/my tools/llama-server -c 1', true],
    ['llamaServer', '/opt/bin/llama-server', true],
    ['llamaServer', 'tail -f /tmp/llama-server', false],
    ['llamaServer', 'vim /tmp/llama-server.log', false],
    ['llamaServer', 'node server.mjs --name llama-server', false],
    ['proxy', '/opt/venv/bin/python3.12 /opt/venv/bin/litellm --config config.yaml --port 4000', true],
    ['proxy', 'litellm --config config.yaml', true],
    ['proxy', 'python3 -m litellm --port 4000', true],
    ['proxy', 'python3 -m http.server 4000', false],
    ['proxy', './llama-server -m a', false],
    // Made-up paths, in the forms that ps prints on a Mac: the framework's Python under its own name, blanks and dashes in folders.
    ['llamaServer', '/Users/ana/AI - models/llama.cpp/llama-server -m a.gguf --port 8080', true],
    ['llamaServer', '/Volumes/Work -old/bin/llama-server --model a.gguf', true],
    ['llamaServer', '/opt/homebrew/bin/llama serve -m a.gguf', true],
    ['llamaServer', 'llama serve', true],
    ['llamaServer', '/usr/bin/tail -f /tmp/llama-server', false],
    ['llamaServer', '/usr/bin/tail -f logs/llama-server', false],
    ['llamaServer', '/usr/local/bin/serve -d www/llama-server --port 8080', false],
    ['llamaServer', '/usr/local/bin/llama-swap serve -m a.gguf', false],
    ['llamaServer', 'python3 -m llama serve', false],
    [
      'proxy',
      '/opt/x/Python.framework/Versions/3.13/Resources/Python.app/Contents/MacOS/Python -m litellm --port 4000',
      true,
    ],
    [
      'proxy',
      '/opt/x/Python.app/Contents/MacOS/Python -I -u -X utf8 /Users/ana/Library/Application Support/Opta Nexus/litellm/opta_litellm.py --config c.yaml',
      true,
    ],
    [
      'proxy',
      '/home/ana/.venv/bin/python -I -u -X utf8 /home/ana/state/litellm/opta_litellm.py --port 4000',
      true,
    ],
    ['proxy', '/opt/my tools/venv/bin/python3.12 -u /opt/my tools/venv/bin/litellm --port 4000', true],
    ['proxy', '/opt/x/Python.app/Contents/MacOS/Python -m http.server --directory /srv/litellm', false],
    ['proxy', 'python3 -c print /x/litellm', false],
    ['proxy', 'tail -f /x/opta_litellm.py', false],
    ['proxy', 'vim opta_litellm.py', false],
  ] as const)('%s, %s: %s', (id, command, expected) => {
    expect(isServerCommand(id, command.split(' '))).toBe(expected)
  })
})

describe.skipIf(!hasRecordings)('recorded command lines (skipped where the recordings are absent)', () => {
  it('are each one of the two servers, and only that one', () => {
    const lines = readRecording('ps/server-command-lines.txt').trim().split('\n')
    const ids = lines.map((line) =>
      (['llamaServer', 'proxy'] as const).filter((id) => isServerCommand(id, line.split(' '))),
    )
    expect(ids).toEqual([['proxy'], ['llamaServer'], ['llamaServer']])
  })
  it.each(listRecordings('ps').filter((path) => !path.includes('server-command')))('%s has none', (path) => {
    for (const line of readRecording(path).split('\n')) {
      const words = line.trim().split(' ')
      for (let from = 0; from < words.length; from += 1)
        for (const id of ['llamaServer', 'proxy'] as const)
          expect(isServerCommand(id, words.slice(from))).toBe(false)
    }
  })
})

/** Made-up sessions after the recorded form, and parents of pretended processes. */
const pretend =
  (list: string, parents: Readonly<Record<string, number>>): RunCommand =>
  async ([command, ...args]) => {
    if (command === 'screen') return { kind: 'exited', exitCode: 1, stdout: list, stderr: '' }
    const parent = parents[args.at(-1) ?? '']
    return {
      kind: 'exited',
      exitCode: parent === undefined ? 1 : 0,
      stdout: `  ${parent ?? ''}\n`,
      stderr: '',
    }
  }
const twoSessions =
  'There are screens on:\r\n\t810.ai-engine\t(Detached)\r\n\t820.proxy\t(Detached)\r\n2 Sockets in /tmp.\r\n'

describe('readScreenSession', () => {
  it.each([
    [813, { 813: 812, 812: 810 }, '810.ai-engine'],
    [821, { 821: 820 }, '820.proxy'],
    [900, { 900: 899, 899: 1 }, null],
    // A loop that cannot be must end all the same.
    [901, { 901: 902, 902: 901 }, null],
  ])('of %d', async (pid, parents, expected) => {
    expect(await readScreenSession(pretend(twoSessions, parents), pid)).toBe(expected)
  })

  it('is none without sessions, or without screen', async () => {
    expect(await readScreenSession(pretend('No Sockets found in /tmp.\n', { 813: 810 }), 813)).toBeNull()
    expect(await readScreenSession(async () => ({ kind: 'not-run', reason: 'ENOENT' }), 813)).toBeNull()
  })
})

describe('a living server that is not ours', () => {
  const { processes } = createPlatform({ ramDiskRoot: '/nonexistent' })
  let folder = ''
  let child: TestChild
  /** A real process of that name, listening. */
  const start = async (program: string, name: string) => {
    const path = join(folder, name)
    symlinkSync(program, path)
    child = await startTestChild(process.execPath, [path, '--ready-line'])
    return Number(child.firstLine)
  }
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nexus-foreign-'))
  })
  afterEach(async () => {
    await child.end()
    rmSync(folder, { recursive: true })
  })
  const waitMs = 10_000

  it('is ended when it is what it should be', async () => {
    const port = await start(standInProgram, 'llama-server')
    expect(await endForeignServer({ id: 'llamaServer', port, processes, waitMs })).toBeNull()
    expect(await processes.readPortOwner(port)).toBeNull()
    expect(await endForeignServer({ id: 'llamaServer', port, processes, waitMs })).toBeNull()
  })

  it('is left alone when it is something else', async () => {
    const port = await start(standInProgram, 'shop')
    const signalled: number[] = []
    const signal = (pid: number) => void signalled.push(pid)
    expect(await endForeignServer({ id: 'llamaServer', port, processes, waitMs, signal })).toContain(
      'which is not llama-server: it is left alone',
    )
    expect(signalled).toEqual([])
    const owner = await processes.readPortOwner(port)
    if (owner === null) throw new Error('nobody')
    expect(await describeForeignServer('llamaServer', owner, { processes, run: pretend('', {}) })).toBeNull()
  })

  it('is not signalled when its pid was reused meanwhile', async () => {
    const port = await start(standInProgram, 'litellm')
    let reads = 0
    const changing: ProcessTable = {
      ...processes,
      readIdentity: async (pid) => ({ pid, startedAt: String(reads++) }),
    }
    const signalled: number[] = []
    const signal = (pid: number) => void signalled.push(pid)
    await endForeignServer({ id: 'proxy', port, processes: changing, waitMs, signal })
    expect(signalled).toEqual([])
  })

  it('is reported when it does not end, or is not ours to end', async () => {
    const port = await start(standInProgram, 'llama-server')
    const options = { id: 'llamaServer', port, processes } as const
    expect(await endForeignServer({ ...options, waitMs: 0, signal: () => {} })).toContain(
      'did not end within',
    )
    const signal = () => {
      throw Object.assign(new Error('no'), { code: 'EPERM' })
    }
    expect(await endForeignServer({ ...options, waitMs, signal })).toContain('only that user can end it')
  })

  it('is named with the screen session it runs in', async () => {
    const port = await start(standInProgram, 'llama-server')
    const owner = await processes.readPortOwner(port)
    if (owner === null) throw new Error('nobody')
    const run = pretend(twoSessions, { [child.pid]: 810 })
    expect(await describeForeignServer('llamaServer', owner, { processes, run })).toBe(
      'it runs in the screen session 810.ai-engine, as the old start script leaves it (screen -S 810.ai-engine -X quit); nexus up --replace-foreign ends it and starts ours',
    )
  })
})
