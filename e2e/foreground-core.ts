// A core in the foreground (`nexus serve`), which is what an app that cannot host one attaches to.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ForegroundCore {
  /** Ends it as a service manager would; settles when it is gone. */
  close(): Promise<void>
}

/** Settles when it listens. Rejects with what it said when it ends instead. */
export const openForegroundCore = async (
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ForegroundCore> => {
  const child = spawn(command, ['serve'], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env } })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said = ''
  child.stderr.on('data', (piece) => {
    said += String(piece)
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`nexus serve ended with ${code}: ${said}`)))
    createInterface(child.stdout).once('line', () => resolve())
  })
  return {
    close: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}
