// The bench's own llama-server, in the foreground, so that it ends with the bench, however that ends.
import { spawn } from 'node:child_process'
import { within } from '../base/first-of.ts'
import { probeLlamaServer } from '../engine/llama-service.ts'

export interface PrivateEngineSpec {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly baseUrl: string
  readonly signal: AbortSignal
}

const lookMs = 200
const graceMs = 10_000
const keptLogBytes = 8_000

/** No time limit, since loading 75 GB takes minutes: settles when it serves, throws when it ends before. */
export const startPrivateEngine = async (spec: PrivateEngineSpec) => {
  const [program = '', ...args] = spec.argv
  const child = spawn(program, args, { env: { ...spec.env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (piece) => {
    log = `${log}${String(piece)}`.slice(-keptLogBytes)
  })
  let ended = false
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      ended = true
      resolve()
    }
    child.once('exit', end)
    child.once('error', end)
  })
  const end = async () => {
    if (ended) return
    child.kill('SIGTERM')
    await within(exited, graceMs)
    if (!ended) child.kill('SIGKILL')
    await exited
  }
  try {
    for (;;) {
      spec.signal.throwIfAborted()
      if (ended) throw new Error(`llama-server did not start: ${lastError(log)}`)
      const probe = await probeLlamaServer(spec.baseUrl, AbortSignal.timeout(2_000))
      if (probe.state === 'ready') return { end }
      await within(exited, lookMs)
    }
  } catch (error) {
    await end()
    throw error
  }
}

const lastError = (log: string): string => {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  return lines.findLast((line) => / E |error/i.test(line)) ?? lines.at(-1) ?? 'it said nothing'
}
