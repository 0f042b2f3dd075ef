// Real child processes for tests: started, waited for until they say they are ready, and ended by their own pid.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface TestChild {
  readonly pid: number
  /** What it wrote as its first line. */
  readonly firstLine: string
  end(): Promise<void>
}

export const startTestChild = async (
  file: string,
  args: readonly string[],
  options: { readonly detached?: boolean; readonly cwd?: string } = {},
): Promise<TestChild> => {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  const { pid } = child
  if (pid === undefined) throw new Error(`${file} could not be started`)
  const firstLine = await readFirstLine(child)
  return {
    pid,
    firstLine,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

const readFirstLine = async (child: ChildProcess): Promise<string> => {
  if (child.stdout === null) throw new Error('no stdout')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('the child ended without a word')
}

/** A shell that says it is ready and then becomes `sleep`, so that the pid is the one process there is. */
export const startSleeper = (script = '', args: readonly string[] = [], options = {}): Promise<TestChild> =>
  startTestChild('/bin/sh', ['-c', `${script}\necho ready\nexec sleep 300`, 'sh', ...args], options)
