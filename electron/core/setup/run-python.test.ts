import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type PythonRun, runPythonModule } from './run-python.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-python-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** The system's Python, with a module of ours in the place of pip. */
const pythonWith = (moduleSource: string): string => {
  writeFileSync(join(dir, 'pip.py'), moduleSource)
  const path = join(dir, 'python')
  writeFileSync(path, `#!/bin/sh\nPYTHONPATH='${dir}' exec python3 "$@"\n`)
  chmodSync(path, 0o755)
  return path
}

const run = (moduleSource: string, change: Partial<PythonRun> = {}) =>
  runPythonModule({
    pythonPath: pythonWith(moduleSource),
    module: 'pip',
    args: ['one', 'two words'],
    temporaryDir: dir,
    timeoutMs: 15_000,
    signal: new AbortController().signal,
    ...change,
  })

/** Starts a grandchild, prints its pid and runs for longer than any test. */
const withGrandchild = `
import subprocess, time
print("grandchild", subprocess.Popen(["sleep", "300"]).pid, flush=True)
time.sleep(300)
`
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A zombie still has its pid; init reaps it in its own time. Without /proc (macOS), ps(1) shows a Z in `stat`.
    const state = existsSync('/proc/self')
      ? /^State:\s+(\S)/m.exec(
          existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '',
        )?.[1]
      : execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return state?.startsWith('Z') !== true
  } catch {
    return false
  }
}
const ended = (pid: number) => vi.waitUntil(() => !isAlive(pid), { timeout: 10_000, interval: 20 })

describe('runPythonModule', () => {
  it('passes arguments and every line, from both outputs', async () => {
    const lines: string[] = []
    const source = 'import sys\nprint(sys.argv[1:], flush=True)\nprint("to stderr", file=sys.stderr)\n'
    const result = await run(source, { onLine: (line) => lines.push(line) })
    expect(result.succeeded).toBe(true)
    expect(lines).toEqual([`['one', 'two words']`, 'to stderr'])
  })

  it('keeps the last lines of a failure', async () => {
    const result = await run('for n in range(20): print("line", n)\nraise SystemExit(3)\n')
    expect(result.succeeded).toBe(false)
    expect(result.lastLines.at(-1)).toBe('line 19')
    expect(result.lastLines).toHaveLength(8)
  })

  it('says what the system says of a program that is not there', async () => {
    const result = await run('', { pythonPath: '/nowhere/python' })
    expect(result.succeeded).toBe(false)
    expect(result.lastLines.join()).toContain('ENOENT')
  })

  it('ends the whole of it when cancelled, and at its deadline', async () => {
    const cancel = new AbortController()
    let pid = 0
    const onLine = (line: string) => {
      pid = Number(line.split(' ')[1])
      cancel.abort()
    }
    await expect(run(withGrandchild, { signal: cancel.signal, onLine })).rejects.toThrow('aborted')
    await ended(pid)
    const late = await run('import time\ntime.sleep(300)', { timeoutMs: 300 })
    expect(late).toEqual({
      succeeded: false,
      lastLines: ['pip did not finish within 0.005 minutes and was ended'],
    })
  })

  it('does not start at all when already cancelled', async () => {
    await expect(run('', { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
  })

  it('dies with its parent, also by kill -9', async () => {
    const source = `
      import { runPythonModule } from ${JSON.stringify(join(import.meta.dirname, 'run-python.ts'))}
      await runPythonModule({ pythonPath: ${JSON.stringify(pythonWith(withGrandchild))}, module: 'pip', args: [], timeoutMs: 60_000,
        temporaryDir: ${JSON.stringify(dir)}, signal: new AbortController().signal, onLine: (line) => console.log(line) })`
    const parent = execa(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: import.meta.dirname,
      reject: false,
      timeout: 20_000,
    })
    const [chunk] = await once(parent.stdout, 'data')
    const pid = Number(String(chunk).split(' ')[1])
    expect(isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await parent
    await ended(pid)
  })
})
