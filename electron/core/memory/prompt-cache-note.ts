// Converts the prompt cache's size, in host memory and on disk, to tokens of this model. Pure.
import { formatBytes, formatCount } from '../base/format-bytes.ts'
import type { KvCacheSize } from './kv-cache.ts'

/** Limits of the files that conversations without a slot wait in. */
export interface PlannedParking {
  readonly mostBytes: number
  readonly mostAgeSeconds: number
}

/** An agent's first turn brings 21,000 to 30,000 (measured with Claude Code). */
const conversationTokens = 20_000
/** Assumed for an ordinary SSD, and shown next to the seconds. */
const diskBytesPerSecond = 1e9

export const sayPromptCache = (
  { promptCacheBytes }: { readonly promptCacheBytes: number },
  kv: KvCacheSize,
  parking: PlannedParking | null,
): string => {
  const perToken = bytesPerToken(kv)
  const inTokens = (bytes: number) =>
    perToken === null ? '' : `, ${formatCount(Math.floor(bytes / perToken))} tokens of this model`
  const memory = promptCacheBytes === 0 ? 'off' : `host memory (--cache-ram)${inTokens(promptCacheBytes)}`
  if (parking === null) return memory
  const hours = formatCount(Math.round(parking.mostAgeSeconds / 3_600))
  const bytes = perToken === null ? null : conversationTokens * perToken
  const one =
    bytes === null
      ? ''
      : `; ${formatCount(conversationTokens)} tokens take ${formatBytes(bytes)}, written or read in ${formatSeconds(bytes / diskBytesPerSecond)} at 1 GB/s`
  return `${memory}; on disk up to ${formatBytes(parking.mostBytes)}${inTokens(parking.mostBytes)}, ${hours} h unused${one}`
}

/** null for sliding windows (only the newest cells are kept) and recurrent states (one per slot): they have no size per token. */
const bytesPerToken = (kv: KvCacheSize): number | null =>
  kv.kind === 'unknown' || kv.cells.slidingPerStream > 0 || kv.stateBytes > 0
    ? null
    : kv.bytes / (kv.cells.perStream * kv.cells.streams)

const formatSeconds = (seconds: number): string =>
  seconds < 0.1 ? 'less than 0.1 s' : `${seconds.toFixed(1)} s`
