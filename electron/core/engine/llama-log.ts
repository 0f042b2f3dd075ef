// Parses the log lines that tell more than llama-server's endpoints: prefill progress, sizes, why speculation is off.

interface OfTask {
  readonly slotId: number
  readonly taskId: number
}

export type LlamaLogEvent =
  | (OfTask & { readonly kind: 'launch' })
  /** Only at -lv 4: the prompt's real size. */
  | (OfTask & { readonly kind: 'prompt'; readonly promptTokens: number })
  | (OfTask & { readonly kind: 'prefill'; readonly progress: number })
  | { readonly kind: 'prompt-timing'; readonly tokens: number; readonly milliseconds: number }
  | { readonly kind: 'draft'; readonly accepted: number; readonly generated: number }
  | (OfTask & { readonly kind: 'release' })
  | { readonly kind: 'model-loaded' }
  | { readonly kind: 'listening' }
  | { readonly kind: 'speculation-failed'; readonly reason: string }
  /** Only at -lv 4. */
  | {
      readonly kind: 'buffer'
      /** `RS`: the state that hybrid and recurrent models keep per sequence instead of a KV cache. */
      readonly holds: 'model' | 'KV' | 'RS' | 'compute' | 'output'
      readonly device: string
      readonly bytes: number
    }

/** Longer lines contain prompts or templates; no line that we parse is that long. */
const maxLineCharacters = 2000

export function parseLlamaLogLine(line: string): LlamaLogEvent | null {
  const text = withoutColours(line.slice(0, maxLineCharacters)).trimEnd()
  const ofSlot = /\bslot\s+[^:]{1,40}: id\s+(\d{1,6}) \| task (\d{1,15}) \| (.*)$/.exec(text)
  if (ofSlot !== null) {
    const task = { slotId: Number(ofSlot[1]), taskId: Number(ofSlot[2]) }
    return parseSlotMessage(task, ofSlot[3] ?? '')
  }
  // Builds up to mid-2026 print the totals on their own lines after `print_timing`.
  const totals = /^(?:\d+\.\d\d\.\d{3}\.\d{3} [A-Z] )?\s*((?:prompt eval|draft acceptance)\b.*)$/.exec(text)
  if (totals !== null) return parseTotals(totals[1] ?? '')
  return parseServerMessage(text) ?? parseBuffer(text)
}

function parseSlotMessage(task: OfTask, message: string): LlamaLogEvent | null {
  if (message.startsWith('processing task')) return { ...task, kind: 'launch' }
  const prompt = /^new prompt, .*task\.n_tokens = (\d+)/.exec(message)
  if (prompt !== null) return { ...task, kind: 'prompt', promptTokens: Number(prompt[1]) }
  // 2025 builds: "prompt processing progress, n_past = 2048, n_tokens = 2048, progress = 0.170".
  const prefill = /^prompt processing.*?\bn_tokens =\s+\d+,.*\bprogress = ([\d.]+)/.exec(message)?.[1]
  if (prefill !== undefined) {
    const progress = Number(prefill)
    return Number.isFinite(progress) ? { ...task, kind: 'prefill', progress: Math.min(1, progress) } : null
  }
  if (/^stop processing: n_(?:tokens|past) = \d+, truncated = \d/.test(message))
    return { ...task, kind: 'release' }
  return parseTotals(message)
}

function parseTotals(message: string): LlamaLogEvent | null {
  const timing = /^\s*prompt eval time\s+=\s+([\d.]+) ms \/\s+(\d+) tokens/.exec(message)
  if (timing !== null)
    return { kind: 'prompt-timing', milliseconds: Number(timing[1]), tokens: Number(timing[2]) }
  const draft = /^draft acceptance(?: rate)? = [\d.]+ \(\s*(\d+) accepted \/\s*(\d+) generated\)/.exec(
    message,
  )
  return draft === null ? null : { kind: 'draft', accepted: Number(draft[1]), generated: Number(draft[2]) }
}

function parseServerMessage(text: string): LlamaLogEvent | null {
  if (/\blistening on https?:\/\/\S/.test(text)) return { kind: 'listening' }
  const failed = /failed to initialize speculative decoding context: (.+)$/.exec(text)?.[1]
  if (failed !== undefined) return { kind: 'speculation-failed', reason: failed }
  // Also printed when speculation wasn't requested; for hybrid models some builds print only this line.
  if (/speculative decoding (?:is )?not supported by this context/.test(text))
    return { kind: 'speculation-failed', reason: 'speculative decoding is not supported by this context' }
  // 2024: "INFO [                    main] model loaded | tid=...".
  if (/\b(?:llama_server|main)(?:: model loaded$|\] model loaded \|)/.test(text))
    return { kind: 'model-loaded' }
  return null
}

function parseBuffer(text: string): LlamaLogEvent | null {
  const match =
    /:\s+(\S{1,60})\s+(model|KV|RS|DSV4 \w{1,8} state|compute|output) buffer size =\s*([\d.]+) MiB/.exec(text)
  if (match === null) return null
  const bytes = Math.round(Number(match[3]) * 1024 * 1024)
  // DeepSeek V4's compressor states are named for their cache: "DSV4 csa state" (llama-kv-cache-dsv4.cpp).
  const word = match[2]?.startsWith('DSV4') ? 'RS' : match[2]
  const holds = bufferKinds.find((kind) => kind === word)
  if (holds === undefined || !Number.isSafeInteger(bytes)) return null
  return { kind: 'buffer', holds, device: match[1] ?? '', bytes }
}

const bufferKinds = ['model', 'KV', 'RS', 'compute', 'output'] as const

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const withoutColours = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, '')
