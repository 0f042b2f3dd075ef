// A real llama-server with the demo model and nothing else, to test its own behaviour.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { freePorts } from './free-ports.ts'

export interface BareLlamaServer {
  /** POSTs JSON and returns the JSON response; throws with the body on failure. */
  post(path: string, body: object): Promise<unknown>
  get(path: string): Promise<unknown>
  end(): Promise<void>
}

const startDeadlineMs = 120_000
const lookMs = 100

export const requireEnv = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set: run scripts/test e2e`)
  return value
}

export const startBareLlamaServer = async (...flags: string[]): Promise<BareLlamaServer> => {
  const program = requireEnv('NEXUS_TEST_LLAMA_SERVER')
  const [port] = await freePorts()
  const baseUrl = `http://127.0.0.1:${port}`
  const where = ['--host', '127.0.0.1', '--port', String(port), '-m', requireEnv('NEXUS_TEST_MODEL')]
  const child = spawn(program, [...where, ...flags], {
    env: { ...process.env, LC_ALL: 'C', LD_LIBRARY_PATH: dirname(program) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (piece) => {
    log = `${log}${String(piece)}`.slice(-4_000)
  })
  const exited = once(child, 'exit')
  const read = async (response: Response): Promise<unknown> => {
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`)
    return JSON.parse(text)
  }
  const deadline = Date.now() + startDeadlineMs
  for (;;) {
    const answer = await fetch(`${baseUrl}/health`).catch(() => null)
    if (answer?.ok === true) break
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`llama-server did not become ready:\n${log}`)
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
  return {
    get: async (path) => read(await fetch(`${baseUrl}${path}`)),
    post: async (path, body) =>
      read(
        await fetch(`${baseUrl}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      ),
    end: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}
