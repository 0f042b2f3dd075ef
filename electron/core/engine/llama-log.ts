// Reads the lines of llama-server's log that say what no endpoint says: prefill progress, sizes, why speculation is off.

interface OfTask {
  readonly slotId: number
  readonly taskId: number
}

/** null: on a line of its own after `print_timing`, as builds to mid-2026 print their totals. */
interface OfAnyTask {
  readonly slotId: number | null
  readonly taskId: number | null
}

export type LlamaLogEvent =
  | (OfTask & { readonly kind: 'launch' })
  /** Only at -lv 4: the prompt's real size. */
  | (OfTask & { readonly kind: 'prompt'; readonly promptTokens: number })
  | (OfTask & { readonly kind: 'prefill'; readonly processedTokens: number; readonly progress: number })
  | (OfTask & { readonly kind: 'generation'; readonly decoded: number; readonly tokensPerSecond: number })
  | (OfAnyTask & { readonly kind: 'prompt-timing'; readonly tokens: number; readonly milliseconds: number })
  | (OfAnyTask & {
      readonly kind: 'generation-timing'
      readonly tokens: number
      readonly milliseconds: number
    })
  | (OfAnyTask & { readonly kind: 'draft'; readonly accepted: number; readonly generated: number })
  | (OfTask & { readonly kind: 'release'; readonly heldTokens: number; readonly truncated: boolean })
  | { readonly kind: 'cancelled'; readonly taskId: number }
  | {
      readonly kind: 'slots-ready'
      readonly slots: number
      /** null: builds to mid-2026 say it on another line, for each slot. */
      readonly contextPerSlot: number | null
      readonly unifiedKv: boolean | null
    }
  | { readonly kind: 'model-loaded' }
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'speculation-failed'; readonly reason: string }
  | {
      readonly kind: 'context-exceeded'
      readonly taskId: number | null
      readonly requestTokens: number | null
      readonly limitTokens: number | null
    }
  /** Only at -lv 4. */
  | {
      readonly kind: 'buffer'
      /** `recurrent`: what hybrid and recurrent models keep of each sequence instead of a KV cache. */
      readonly holds: 'model' | 'kv' | 'recurrent' | 'compute' | 'output'
      readonly device: string
      readonly bytes: number
    }

/** Longer lines carry prompts or templates; nothing we read is that long. */
const maxLineCharacters = 2000

export function parseLlamaLogLine(line: string): LlamaLogEvent | null {
  const text = withoutColours(line.slice(0, maxLineCharacters)).trimEnd()
  const ofSlot = /\bslot\s+[^:]{1,40}: id\s+(\d{1,6}) \| task (\d{1,15}) \| (.*)$/.exec(text)
  if (ofSlot !== null) {
    const task = { slotId: Number(ofSlot[1]), taskId: Number(ofSlot[2]) }
    return parseSlotMessage(task, ofSlot[3] ?? '')
  }
  const bare = /^(?:\d+\.\d\d\.\d{3}\.\d{3} [A-Z] )?\s*((?:prompt eval|eval|draft acceptance)\b.*)$/.exec(
    text,
  )
  if (bare !== null) return parseTotals({ slotId: null, taskId: null }, bare[1] ?? '')
  return parseServerMessage(text) ?? parseBuffer(text)
}

function parseSlotMessage(task: OfTask, message: string): LlamaLogEvent | null {
  if (message.startsWith('processing task')) return { ...task, kind: 'launch' }
  const prompt = /^new prompt, .*task\.n_tokens = (\d+)/.exec(message)
  if (prompt !== null) return { ...task, kind: 'prompt', promptTokens: Number(prompt[1]) }
  // 2025 builds: "prompt processing progress, n_past = 2048, n_tokens = 2048, progress = 0.170".
  const prefill = /^prompt processing.*?\bn_tokens =\s+(\d+),.*\bprogress = ([\d.]+)/.exec(message)
  if (prefill !== null) {
    const progress = Number(prefill[2])
    if (!Number.isFinite(progress)) return null
    return { ...task, kind: 'prefill', processedTokens: Number(prefill[1]), progress: Math.min(1, progress) }
  }
  // b10434 says n_gen, b10068 n_decoded.
  const generation = /^n_(?:gen|decoded) =\s+(\d+), tg =\s+([\d.]+) t\/s/.exec(message)
  if (generation !== null) {
    const tokensPerSecond = Number(generation[2])
    return { ...task, kind: 'generation', decoded: Number(generation[1]), tokensPerSecond }
  }
  const release = /^stop processing: n_(?:tokens|past) = (\d+), truncated = (\d)/.exec(message)
  if (release !== null)
    return { ...task, kind: 'release', heldTokens: Number(release[1]), truncated: release[2] !== '0' }
  return parseTotals(task, message)
}

function parseTotals(task: OfAnyTask, message: string): LlamaLogEvent | null {
  const timing = /^\s*(prompt eval|eval) time\s+=\s+([\d.]+) ms \/\s+(\d+) tokens/.exec(message)
  if (timing !== null) {
    const kind = timing[1] === 'eval' ? 'generation-timing' : 'prompt-timing'
    return { ...task, kind, milliseconds: Number(timing[2]), tokens: Number(timing[3]) }
  }
  const draft = /^draft acceptance(?: rate)? = [\d.]+ \(\s*(\d+) accepted \/\s*(\d+) generated\)/.exec(
    message,
  )
  if (draft === null) return null
  return { ...task, kind: 'draft', accepted: Number(draft[1]), generated: Number(draft[2]) }
}

function parseServerMessage(text: string): LlamaLogEvent | null {
  // "initializing, n_slots = 2, n_ctx_slot = 4096, kv_unified = 'false'" (b10068, b10434), "initializing slots, n_slots = 2"
  // (2025 to mid-2026), "initializing slots | tid=... n_slots=1" (2024).
  const slots = /\binitializing(?: slots)?\b.*?\bn_slots\s*=\s*(\d{1,6})\b/.exec(text)?.[1]
  if (slots !== undefined) {
    const contextPerSlot = /\bn_ctx_slot\s*=\s*(\d{1,15})\b/.exec(text)?.[1]
    const unified = /\bkv_unified\s*=\s*'?(true|false)\b/.exec(text)?.[1]
    return {
      kind: 'slots-ready',
      slots: Number(slots),
      contextPerSlot: contextPerSlot === undefined ? null : Number(contextPerSlot),
      unifiedKv: unified === undefined ? null : unified === 'true',
    }
  }
  const listening = /\b(?:server is )?listening on (https?:\/\/\S+)/.exec(text)?.[1]
  if (listening !== undefined) return { kind: 'listening', url: listening }
  const failed = /failed to initialize speculative decoding context: (.+)$/.exec(text)?.[1]
  if (failed !== undefined) return { kind: 'speculation-failed', reason: failed }
  // Also said where nobody asked for it; hybrid models of some builds end here without the line above.
  if (/speculative decoding (?:is )?not supported by this context/.test(text))
    return { kind: 'speculation-failed', reason: 'speculative decoding is not supported by this context' }
  const cancelled = /cancel task, id_task = (\d+)/.exec(text)?.[1]
  if (cancelled !== undefined) return { kind: 'cancelled', taskId: Number(cancelled) }
  // 2024: "INFO [                    main] model loaded | tid=...".
  if (/\b(?:llama_server|main)(?:: model loaded$|\] model loaded \|)/.test(text))
    return { kind: 'model-loaded' }
  return parseContextExceeded(text)
}

/** One request larger than its slot, or (with -kvu) a full pool, which fails every running request. */
function parseContextExceeded(text: string): LlamaLogEvent | null {
  const task = /send_error: task id = (\d+), error: (.*)$/.exec(text)
  const message = task?.[2] ?? text
  const sized = /request \((\d+) tokens\) exceeds the available context size \((\d+) tokens\)/.exec(message)
  if (sized === null && !/Context size has been exceeded/.test(message)) return null
  return {
    kind: 'context-exceeded',
    taskId: task === null ? null : Number(task[1]),
    requestTokens: sized === null ? null : Number(sized[1]),
    limitTokens: sized === null ? null : Number(sized[2]),
  }
}

function parseBuffer(text: string): LlamaLogEvent | null {
  const match =
    /:\s+(\S{1,60})\s+(model|KV|RS|DSV4 \w{1,8} state|compute|output) buffer size =\s*([\d.]+) MiB/.exec(text)
  if (match === null) return null
  const bytes = Math.round(Number(match[3]) * 1024 * 1024)
  // DeepSeek V4's compressor states are named for their cache: "DSV4 csa state" (llama-kv-cache-dsv4.cpp).
  const holds = bufferKinds[match[2]?.startsWith('DSV4') ? 'RS' : (match[2] ?? '')]
  if (holds === undefined || !Number.isSafeInteger(bytes)) return null
  return { kind: 'buffer', holds, device: match[1] ?? '', bytes }
}

const bufferKinds: Readonly<Record<string, Extract<LlamaLogEvent, { kind: 'buffer' }>['holds']>> = {
  model: 'model',
  KV: 'kv',
  RS: 'recurrent',
  compute: 'compute',
  output: 'output',
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const withoutColours = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, '')
