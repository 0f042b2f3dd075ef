// Turns a profile into the command line that this build of llama-server understands, and says why it differs from the seed's.
import type { Profile } from '../../contract/profile.ts'
import type { ChatTemplateChoice } from './chat-template.ts'
import type { Adaptation } from './llama-adaptation.ts'
import { createArgvDraft } from './llama-argv-draft.ts'
import type { LlamaCapabilities } from './llama-help.ts'
import { planPinnedFlags } from './llama-pinned-flags.ts'
import { planSlotCache } from './llama-slot-cache.ts'
import type { SlotCache } from './slot-cache.ts'

export type LlamaProfile = Profile['llamaServer']

export interface LlamaPlanInput {
  readonly profile: LlamaProfile
  readonly capabilities: LlamaCapabilities
  readonly apiKeyPath: string
  readonly binaryPath: string
  readonly chatTemplate: ChatTemplateChoice
  /** null, or absent: llama-server picks the slots itself. */
  readonly slotCache?: SlotCache | null
}

export type LlamaPlan =
  | {
      readonly kind: 'planned'
      readonly argv: readonly [string, ...string[]]
      readonly adaptations: readonly Adaptation[]
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'impossible'; readonly reasons: readonly string[] }

/** Measured: an agent's first turn brings 21,000 to 30,000 tokens (facts on live use). */
const firstTurnTokens = 30_000

export type ArgvDraft = ReturnType<typeof createArgvDraft>

export function planLlamaArgv(input: LlamaPlanInput): LlamaPlan {
  const { profile, capabilities } = input
  const wrong = findWrongValues(profile)
  if (wrong.length > 0) return { kind: 'impossible', reasons: wrong }
  const pinned = planPinnedFlags(profile, capabilities)
  if (pinned.kind === 'impossible') return pinned
  const draft = createArgvDraft(capabilities, pinned.claims)
  draft.require(['-m', '--model'], profile.modelPath, 'the model')
  planSpeculation(draft, profile, capabilities)
  planContext(draft, profile, capabilities)
  planCache(draft, profile, capabilities)
  planBatch(draft, profile, capabilities)
  planEndpoints(draft, input)
  planChatTemplate(draft, input.chatTemplate)
  planSampling(draft, profile, capabilities)
  const { parts, adaptations, warnings, reasons } = draft.finish()
  if (reasons.length > 0) return { kind: 'impossible', reasons }
  return {
    kind: 'planned',
    argv: [input.binaryPath, ...parts, ...pinned.words],
    adaptations: [...adaptations, ...pinned.adaptations],
    warnings: [...warnings, ...pinned.warnings],
  }
}

/** llama-server reads `-c 128k` as 128 and "listens" on port 99999 without a word: nothing odd may reach it. */
function findWrongValues(profile: LlamaProfile): string[] {
  const limits: readonly [keyof LlamaProfile & string, number, number][] = [
    ['port', 1, 65_535],
    ['slots', 1, 1024],
    ['contextTokens', 1, 2 ** 31 - 1],
    ['gpuLayers', 0, 2 ** 31 - 1],
    ['batchTokens', 1, 2 ** 31 - 1],
    ['microBatchTokens', 1, 2 ** 31 - 1],
    ['promptCacheMiB', 0, 2 ** 31 - 1],
  ]
  const wrong: string[] = []
  for (const [key, min, max] of limits) {
    const value = profile[key]
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) continue
    wrong.push(`llamaServer.${key} is ${String(value)}, not a whole number from ${min} to ${max}.`)
  }
  if (profile.contextTokens < profile.slots)
    wrong.push('llamaServer.contextTokens gives no slot even one token.')
  return wrong
}

function planSpeculation(draft: ArgvDraft, profile: LlamaProfile, capabilities: LlamaCapabilities) {
  const { speculation, draftModelPath } = profile
  const specType = capabilities.firstSupported(['--spec-type'])
  const seed = draftModelPath === null ? null : `-md ${draftModelPath}`
  const dropDraft = (reason: string) => {
    if (draftModelPath !== null) draft.note({ code: 'draft-left-out', flag: '-md', seed, ours: null, reason })
  }
  if (speculation === 'none') {
    dropDraft('Speculation is off in this profile; a loaded draft model would take memory and never draft.')
    return
  }
  if (speculation === 'draft-simple' && draftModelPath === null) {
    draft.fail(
      'llamaServer.speculation is draft-simple, but llamaServer.draftModelPath names no draft model.',
    )
    return
  }
  const allowed = specType === null ? null : capabilities.allowedValues(specType)
  const canName = specType !== null && (allowed === null || allowed.includes(speculation))
  if (speculation === 'ngram-mod' || (specType !== null && !canName)) {
    if (!canName) {
      draft.warn(`This build cannot speculate with ${speculation}; it runs without speculation.`)
      dropDraft(`This build's --spec-type does not list ${speculation}; the draft model would load and idle.`)
      return
    }
    dropDraft('ngram-mod drafts from the text itself and needs no draft model.')
  }
  if (canName) {
    const reason =
      speculation === 'draft-simple'
        ? 'On this build -md alone loads the draft model and never drafts: --spec-type defaults to none (measured: 43 of 46 draft tokens accepted with it, no draft made without).'
        : 'ngram-mod drafts repeated text without a draft model (measured: 51 instead of 23 tokens/s on repetitive output).'
    draft.add({ code: 'speculation', spellings: ['--spec-type'], value: speculation, seed: null, reason })
  }
  if (speculation === 'draft-simple' && draftModelPath !== null)
    planDraftModel(draft, profile, draftModelPath)
}

function planDraftModel(draft: ArgvDraft, profile: LlamaProfile, draftModelPath: string) {
  draft.require(['-md', '--model-draft', '--spec-draft-model'], draftModelPath, 'the draft model')
  const cells = formatCount(profile.contextTokens)
  for (const [letter, type] of [
    ['k', profile.draftCacheTypeK],
    ['v', profile.draftCacheTypeV],
  ] as const) {
    draft.add({
      code: 'draft-kv-type',
      spellings: [`-ct${letter}d`, `--cache-type-${letter}-draft`, `--spec-draft-type-${letter}`],
      value: type,
      seed: null,
      reason: `-ct${letter} does not reach the draft model: its ${letter.toUpperCase()} cache has ${cells} cells too and would be f16, 2 bytes a value instead of ${formatBytes(bytesPerValue(type))} (${type}).`,
    })
  }
  draft.add({
    code: 'draft-gpu-layers',
    spellings: ['-ngld', '--gpu-layers-draft', '--n-gpu-layers-draft', '--spec-draft-ngl'],
    value: String(profile.gpuLayers),
    seed: null,
    reason: `-ngl ${profile.gpuLayers} is for the model only; the draft model gets the same.`,
  })
}

function planContext(draft: ArgvDraft, profile: LlamaProfile, capabilities: LlamaCapabilities) {
  const { contextTokens, slots } = profile
  draft.require(['-c', '--ctx-size'], String(contextTokens), 'the context')
  draft.require(['-np', '--parallel'], String(slots), 'the number of slots')
  draft.plain(['-cb', '--cont-batching'], null)
  draft.plain(['-ngl', '--gpu-layers', '--n-gpu-layers'], String(profile.gpuLayers))
  const perSlot = Math.floor(contextTokens / slots)
  const arithmetic = `${formatCount(contextTokens)} / ${slots} = ${formatCount(perSlot)} tokens for each slot`
  const unified = capabilities.firstSupported(['-kvu', '--kv-unified'])
  if (profile.unifiedKv && unified !== null) {
    const reason = `-c is one pool of ${formatCount(contextTokens)} tokens that all ${slots} slots share, and one may have all of it; split it would be ${arithmetic}. A full pool fails every running request.`
    draft.add({ code: 'unified-kv', spellings: ['-kvu', '--kv-unified'], value: null, seed: null, reason })
    return
  }
  if (profile.unifiedKv && slots > 1) {
    draft.warn(`This build has no -kvu: -c is divided, ${arithmetic}.`)
    const reason = `This build has no unified KV cache; -c is divided: ${arithmetic}.`
    draft.note({ code: 'not-in-this-build', flag: '-kvu', seed: null, ours: null, reason })
  } else if (!profile.unifiedKv && unified !== null) {
    const reason = `-c is divided among the slots: ${arithmetic}. Said outright, because a build's own default depends on -np.`
    draft.add({
      code: 'context-split',
      spellings: ['-no-kvu', '--no-kv-unified'],
      value: null,
      seed: null,
      reason,
    })
  }
  if (perSlot < firstTurnTokens) {
    draft.warn(
      `${arithmetic}, but an agent's first turn can bring ${formatCount(firstTurnTokens)}; larger requests are refused.`,
    )
  }
}

function planCache(draft: ArgvDraft, profile: LlamaProfile, capabilities: LlamaCapabilities) {
  const { cacheTypeK, cacheTypeV } = profile
  for (const [spellings, type] of [
    [['-ctk', '--cache-type-k'], cacheTypeK],
    [['-ctv', '--cache-type-v'], cacheTypeV],
  ] as const) {
    const flag = capabilities.firstSupported(spellings)
    const allowed = flag === null ? null : capabilities.allowedValues(flag)
    if (allowed !== null && !allowed.includes(type)) {
      draft.fail(
        `This build does not know the KV cache type ${type} (${spellings[0]}); it lists ${allowed.join(', ')}.`,
      )
    } else if (type === 'f16') draft.plain(spellings, type)
    else draft.require(spellings, type, `a KV cache of type ${type}`)
  }
  const quantised = [cacheTypeK, cacheTypeV].find((type) => bytesPerValue(type) < 2)
  // Measured on the demo's model: f16 reads a prompt of 1,090 at 474 tokens/s, q8_0 at 156, q4_0 at 95; of 3,490 at 273, 62, 34.
  if (profile.gpuLayers === 0 && quantised !== undefined)
    draft.warn(
      `Without a GPU (gpuLayers 0) a ${quantised} KV cache reads prompts 3 to 8 times slower than f16 (measured): set llamaServer.cacheTypeK and cacheTypeV to f16, unless memory is too short for it.`,
    )
  // Since August 2025 -fa takes a value and is auto; bare it would swallow the next flag (measured: rc 1). Before, it
  // was a switch, off by default, and a quantized V cache needs it.
  const flashAttention = capabilities.firstSupported(['-fa', '--flash-attn'])
  if (
    flashAttention !== null &&
    capabilities.valueCount(flashAttention) === 0 &&
    bytesPerValue(cacheTypeV) < 2
  ) {
    const reason = `A ${cacheTypeV} V cache needs flash attention, which is a switch and off by default on this build.`
    draft.add({
      code: 'flash-attention',
      spellings: ['-fa', '--flash-attn'],
      value: null,
      seed: null,
      reason,
    })
  }
}

function planBatch(draft: ArgvDraft, profile: LlamaProfile, capabilities: LlamaCapabilities) {
  const { batchTokens } = profile
  const microBatchTokens = Math.min(profile.microBatchTokens, batchTokens)
  if (microBatchTokens < profile.microBatchTokens) {
    draft.warn(
      `llamaServer.microBatchTokens ${profile.microBatchTokens} is more than batchTokens ${batchTokens}; ${microBatchTokens} is used.`,
    )
  }
  const against = (flag: string, ours: number) => {
    const value = capabilities.defaultOf(flag)
    if (value === String(ours)) return "which is this build's default too"
    return value === null ? "instead of this build's default" : `instead of this build's default of ${value}`
  }
  draft.add({
    code: 'batch',
    spellings: ['-b', '--batch-size'],
    value: String(batchTokens),
    seed: null,
    reason: `Other streams wait for each batch of a long prompt: batches of ${formatCount(batchTokens)} tokens, ${against('-b', batchTokens)} (measured beside a prefill of 8,700: 5 tokens in 21 s at 2048, about 35 in 24 s at 256, the prefill 15 % slower).`,
  })
  draft.add({
    code: 'batch',
    spellings: ['-ub', '--ubatch-size'],
    value: String(microBatchTokens),
    seed: null,
    reason: `Computed at once: ${formatCount(microBatchTokens)} tokens, ${against('-ub', microBatchTokens)}, never more than the batch.`,
  })
}

function planEndpoints(draft: ArgvDraft, input: LlamaPlanInput) {
  const { profile, capabilities, apiKeyPath } = input
  draft.require(['--host'], profile.host, 'an address')
  draft.require(['--port'], String(profile.port), 'a port')
  if (profile.host !== '0.0.0.0') {
    const reason = `The profile lets it listen on ${profile.host} only.`
    draft.note({
      code: 'host',
      flag: '--host',
      seed: '--host 0.0.0.0',
      ours: `--host ${profile.host}`,
      reason,
    })
  }
  const local = ['127.0.0.1', 'localhost', '::1'].includes(profile.host)
  if (!local && capabilities.firstSupported(['--api-key-file']) === null) {
    draft.fail(
      `This build has no --api-key-file: it would serve everyone who reaches ${profile.host}:${profile.port}.`,
    )
  }
  const options = [
    [
      'api-key',
      ['--api-key-file'],
      apiKeyPath,
      `Without it whoever reaches ${profile.host}:${profile.port} may use the model; a file keeps the key out of the process list.`,
    ],
    [
      'alias',
      ['-a', '--alias'],
      profile.alias,
      'The name that LiteLLM asks for; else it is the path of the model file.',
    ],
    ['metrics', ['--metrics'], null, 'Off by default; the queue and the token counters come from there.'],
  ] as const
  for (const [code, spellings, value, reason] of options)
    draft.add({ code, spellings, value, seed: null, reason })
  planSlotCache(draft, input)
  draft.add({
    code: 'offline',
    spellings: ['--offline'],
    value: null,
    seed: null,
    reason: 'The model is a local file: no network look-ups at start.',
  })
  planSwitches(draft, capabilities)
}

function planSwitches(draft: ArgvDraft, capabilities: LlamaCapabilities) {
  const isOn = (flag: string) => /^(enabled|true)/.test(capabilities.defaultOf(flag) ?? '')
  if (!isOn('--slots')) {
    const reason = 'Not on by default in this build; what each slot does comes from there.'
    draft.add({ code: 'slots-endpoint', spellings: ['--slots'], value: null, seed: null, reason })
  }
  draft.addIfListed({
    code: 'web-ui',
    spellings: ['--no-ui', '--no-webui'],
    value: null,
    seed: null,
    reason: 'Its chat page would be one more thing on the LAN that nobody here uses.',
  })
  if (capabilities.allowedValues('--log-colors')?.includes('off')) {
    const reason = 'The log goes to a file that is read line by line.'
    draft.add({ code: 'log-colors', spellings: ['--log-colors'], value: 'off', seed: null, reason })
  }
  planLogLevel(draft, capabilities)
  if (capabilities.supports('--jinja') && !isOn('--jinja')) {
    const reason = "Off by default in this build; tools need the model's own chat template."
    draft.add({ code: 'jinja', spellings: ['--jinja'], value: null, seed: null, reason })
  }
}

/** After --jinja: without it this build may take only templates that it knows by heart (--help, both builds). */
function planChatTemplate(draft: ArgvDraft, choice: ChatTemplateChoice) {
  if (choice.kind === 'file') {
    const { path, reason } = choice
    draft.add({
      code: 'chat-template',
      spellings: ['--chat-template-file'],
      value: path,
      seed: null,
      reason,
    })
  } else if (choice.toolless === true)
    draft.warn(
      `Tools do not reach the model: ${choice.reason}. An agent on it can only talk; llamaServer.chatTemplate can name a template that renders tools.`,
    )
}

/** Requests say nothing of it: clients' forced temperature is dropped by the Router (`keepModelSampling`). */
function planSampling(draft: ArgvDraft, { sampling }: LlamaProfile, capabilities: LlamaCapabilities) {
  if (sampling == null) return
  const flags = [
    ['--temp', ['--temp', '--temperature'], sampling.temperature],
    ['--top-p', ['--top-p'], sampling.topP],
  ] as const
  for (const [flag, spellings, value] of flags) {
    const usual = capabilities.defaultOf(flag)
    const reason = `The model's own, as the profile has it (llamaServer.sampling); without it requests that say nothing get the model file's or this build's default${usual === null ? '' : ` of ${usual}`}.`
    draft.add({ code: 'sampling', spellings, value: String(value), seed: null, reason })
  }
}

/**
 * Only where the build names its level 4 so: on older ones a number this high was for debugging, with prompts in the log.
 * Measured on b10068, six requests: 27 instead of 7 KB of log, no prompt texts, CPU time equal within its own spread of
 * 5 %.
 */
function planLogLevel(draft: ArgvDraft, capabilities: LlamaCapabilities) {
  const flag = capabilities.firstSupported(['-lv', '--log-verbosity', '--verbosity'])
  if (flag === null || !/- 4: trace/.test(capabilities.find(flag)?.text ?? '')) return
  const reason =
    'Only at this level does the log say what was allocated, to hold against the memory plan, and how long each prompt is (about 4 KB of log for a request instead of 1).'
  draft.add({ code: 'log-level', spellings: [flag], value: '4', seed: null, reason })
}

/** Bytes a value takes in the KV cache, block scales included (llama.cpp's block sizes). */
function bytesPerValue(type: LlamaProfile['cacheTypeK']): number {
  switch (type) {
    case 'f32':
      return 4
    case 'f16':
    case 'bf16':
      return 2
    case 'q8_0':
      return 34 / 32
    case 'q5_1':
      return 24 / 32
    case 'q5_0':
      return 22 / 32
    case 'q4_1':
      return 20 / 32
    case 'q4_0':
    case 'iq4_nl':
      return 18 / 32
  }
}

const formatCount = (value: number) => value.toLocaleString('en-US')
const formatBytes = (value: number) => String(Math.round(value * 10_000) / 10_000)
