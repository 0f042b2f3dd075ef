// The other Studios of the profile, as this core sees them: whether each answers, and if not, why; its slots, its queue.
import type { NodeProfile } from '../../../contract/profile.ts'
import type { StudioNode } from '../../../contract/snapshot.ts'
import { messageOf } from '../../base/error-message.ts'
import { askHttp } from '../../base/http-ask.ts'
import { localUrl } from '../../base/local-url.ts'
import { isRecent } from '../../base/reading.ts'
import { createLlamaWatch, type EngineReading, type LlamaWatch } from '../../engine/llama-watch.ts'
import { readNodeKey } from './node-key.ts'

/** llama-server answers /health within 10 ms (measured); the rest allows for the network. */
const healthTimeoutMs = 3_000
/** /slots may take as long as one prefill batch. */
const slotsTimeoutMs = 60_000
/** One lost answer on a network is no outage. */
const failuresUntilUnreachable = 2

export const createStudioNodes = (
  nodes: readonly NodeProfile[],
  onChange: () => void,
  now: () => number = Date.now,
) => {
  const watchers = nodes.map((node) => watchNode(node, onChange, now))
  return {
    /** Asks each Studio without a request in flight. Never rejects; settles when the slowest has answered or failed. */
    read: async (): Promise<void> => {
      await Promise.all(watchers.map((watcher) => watcher.read()))
    },
    /** The last reading; slots and queue are null when it is older than `maxAgeMs`. */
    current: (at: number, maxAgeMs: number): StudioNode[] =>
      watchers.map((watcher) => watcher.current(at, maxAgeMs)),
  }
}

const watchNode = (node: NodeProfile, onChange: () => void, now: () => number) => {
  const endpoint = localUrl(node.host, node.port)
  let watch: LlamaWatch | null = null
  let phase: StudioNode['phase'] = 'unreachable'
  let reason: string | null = 'not asked yet'
  let failures = 0
  let reading: { readonly value: EngineReading; readonly takenAt: number } | null = null
  let asking = false

  const enter = (next: StudioNode['phase'], why: string | null) => {
    if (next === phase && why === reason) return
    phase = next
    reason = why
    onChange()
  }

  const askHealth = async (): Promise<boolean> => {
    try {
      const signal = AbortSignal.timeout(healthTimeoutMs)
      const { ok, status } = await askHttp(`${endpoint}/health`, { signal, maxBytes: 0 })
      failures = 0
      if (ok) return true
      enter('degraded', status === 503 ? 'its model is loading' : `its llama-server answers ${status}`)
    } catch (error) {
      failures += 1
      if (phase === 'unreachable' || failures >= failuresUntilUnreachable)
        enter(
          'unreachable',
          explainNodeFailure(endpoint, error, { platform: process.platform, program: process.execPath }),
        )
    }
    return false
  }

  const readEngine = async (): Promise<void> => {
    watch ??= createLlamaWatch(endpoint, readNodeKey(node))
    const value = await watch.read(AbortSignal.timeout(slotsTimeoutMs))
    reading = { value, takenAt: now() }
    if (value.slots === null) enter('degraded', 'it does not report its slots: is its key right?')
    else enter('ready', null)
  }

  return {
    read: async () => {
      if (asking) return
      asking = true
      try {
        if (await askHealth()) await readEngine()
        else if (phase === 'unreachable') reading = null
      } catch (error) {
        enter('degraded', messageOf(error))
      } finally {
        asking = false
      }
    },
    current: (at: number, maxAgeMs: number): StudioNode => {
      const value = reading !== null && isRecent(reading.takenAt, at, maxAgeMs) ? reading.value : null
      return {
        name: node.name,
        endpoint,
        phase,
        reason,
        slots: phase === 'unreachable' ? null : (value?.slots ?? null),
        queue: phase === 'unreachable' ? null : (value?.queue ?? null),
      }
    },
  }
}

/** A name with several addresses fails with all their errors together (Node's happy eyeballs). */
const codesOf = (error: unknown): readonly string[] => {
  if (error instanceof AggregateError) return error.errors.flatMap(codesOf)
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? [error.code] : []
}

/**
 * A core started by launchd gets EHOSTUNREACH for every address on the local network, without a permission prompt
 * (hermes#57812 and #71206 on 27.0, kache#798 on 26.6; Apple TN3179). A machine that is off looks the same, so we name both.
 */
export const localNetworkAdvice = (program: string): string =>
  `if Terminal on this Mac reaches it, macOS is blocking this core from the local network: System Settings, Privacy & Security, Local Network, allow ${program}`

export const explainNodeFailure = (
  endpoint: string,
  error: unknown,
  { platform, program }: { readonly platform: NodeJS.Platform; readonly program: string },
): string => {
  const codes = codesOf(error)
  const said = messageOf(error) || [...new Set(codes)].join(', ')
  const mayBePrivacy = platform === 'darwin' && codes.includes('EHOSTUNREACH')
  return `${endpoint} does not answer: ${said}${mayBePrivacy ? `; ${localNetworkAdvice(program)}` : ''}`
}
