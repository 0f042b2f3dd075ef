// Turns a profile into a command line for this build of llama-server, and explains each difference from the seed's.
import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../base/format-bytes.ts'
import { cacheBlock } from '../gguf/tensor-types.ts'
import type { ChatTemplateChoice } from './chat-template.ts'
import { type ArgvDraft, createArgvDraft } from './llama-argv-draft.ts'
import type { LlamaCapabilities } from './llama-help.ts'
import { planPinnedFlags } from './llama-pinned-flags.ts'
import { planSlotCache, type SlotCache } from './slot-cache.ts'

type LlamaProfile = Profile['llamaServer']

export interface LlamaPlanInput {
  readonly profile: LlamaProfile
  readonly capabilities: LlamaCapabilities
  readonly apiKeyPath: string
  readonly binaryPath: string
  readonly chatTemplate: ChatTemplateChoice
  /** null or absent: llama-server picks the slots itself. */
  readonly slotCache?: SlotCache | null
}

/** Measured: an agent's first turn brings 21,000 to 30,000 tokens without our settings (2.1.197). */
const largestFirstTurnTokens = 30_000

/** Values are the contract's: llama-server itself reads `-c 128k` as 128 and silently "listens" on port 99999. */
export function planLlamaArgv(input: LlamaPlanInput) {
  const { profile, capabilities } = input
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
  const { parts, adaptations, warnings, reasons } = draft
  if (reasons.length > 0) return { kind: 'impossible', reasons } as const
  return {
    kind: 'planned',
    argv: [input.binaryPath, ...parts, ...pinned.words],
    adaptations: [...adaptations, ...pinned.adaptations],
    warnings: [...warnings, ...pinned.warnings],
  } as const
}

function planSpeculation(draft: ArgvDraft, profile: LlamaProfile, capabilities: LlamaCapabilities) {
  const { speculation, draftModelPath } = profile
  const specType = capabilities.firstSupported(['--spec-type'])
  const seed = draftModelPath === null ? null : `-md ${draftModelPath}`
  const dropDraft = (reason: string) => {
    if (draftModelPath !== null) draft.adaptations.push({ flag: '-md', seed, ours: null, reason })
  }
  if (speculation === 'none') {
    dropDraft('Speculation is off in this profile; a draft model would take memory and never draft.')
    return
  }
  if (speculation === 'draft-simple' && draftModelPath === null) {
    draft.reasons.push(
      'llamaServer.speculation is draft-simple, but llamaServer.draftModelPath names no draft model.',
    )
    return
  }
  const allowed = specType === null ? null : capabilities.allowedValues(specType)
  const canName = specType !== null && (allowed === null || allowed.includes(speculation))
  if (speculation === 'ngram-mod' || (specType !== null && !canName)) {
    if (!canName) {
      draft.warnings.push(`This build cannot speculate with ${speculation}; it runs without speculation.`)
      dropDraft(`This build's --spec-type does not list ${speculation}; the draft model would load and idle.`)
      return
    }
    dropDraft('ngram-mod drafts from the text itself and needs no draft model.')
  }
  if (canName)
    draft.add(
      ['--spec-type'],
      speculation,
      speculation === 'draft-simple'
        ? 'On this build -md alone loads the draft model but never drafts: --spec-type defaults to none (measured: 43 of 46 draft tokens accepted with it, no drafts without).'
        : 'ngram-mod drafts repeated text without a draft model (measured: 51 instead of 23 tokens/s on repetitive output).',
    )
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
    draft.add(
      [`-ct${letter}d`, `--cache-type-${letter}-draft`, `--spec-draft-type-${letter}`],
      type,
      `-ct${letter} does not apply to the draft model: its ${letter.toUpperCase()} cache has ${cells} cells too and would be f16, 2 bytes a value instead of ${formatBytes(bytesPerValue(type))} (${type}).`,
    )
  }
  draft.add(
    ['-ngld', '--gpu-layers-draft', '--n-gpu-layers-draft', '--spec-draft-ngl'],
    String(profile.gpuLayers),
    `-ngl ${profile.gpuLayers} applies to the model only; the draft model gets the same.`,
  )
}

function planContext(draft: ArgvDraft, profile: LlamaProfile, capabilities: LlamaCapabilities) {
  const { contextTokens, slots } = profile
  draft.require(['-c', '--ctx-size'], String(contextTokens), 'the context')
  draft.require(['-np', '--parallel'], String(slots), 'the number of slots')
  draft.plain(['-cb', '--cont-batching'], null)
  draft.plain(['-ngl', '--gpu-layers', '--n-gpu-layers'], String(profile.gpuLayers))
  const perSlot = Math.floor(contextTokens / slots)
  const arithmetic = `${formatCount(contextTokens)} / ${slots} = ${formatCount(perSlot)} tokens for each slot`
  const pool = ['-kvu', '--kv-unified']
  const canPool = capabilities.firstSupported(pool) !== null
  if (profile.unifiedKv && canPool) {
    draft.add(
      pool,
      null,
      `-c is one pool of ${formatCount(contextTokens)} tokens shared by all ${slots} slots, and one slot may use all of it; a split would give ${arithmetic}. A full pool fails every running request.`,
    )
    return
  }
  if (profile.unifiedKv && slots > 1) {
    draft.warnings.push(`This build has no -kvu: -c is divided, ${arithmetic}.`)
    draft.noteLack('-kvu', null, `This build has no unified KV cache; -c is divided: ${arithmetic}.`)
  } else if (!profile.unifiedKv && canPool) {
    draft.add(
      ['-no-kvu', '--no-kv-unified'],
      null,
      `-c is divided among the slots: ${arithmetic}. Passed explicitly, because a build's own default depends on -np.`,
    )
  }
  if (perSlot < largestFirstTurnTokens) {
    draft.warnings.push(
      `${arithmetic}, but an agent's first turn can bring ${formatCount(largestFirstTurnTokens)}; larger requests are refused.`,
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
      draft.reasons.push(
        `This build does not know the KV cache type ${type} (${spellings[0]}); it lists ${allowed.join(', ')}.`,
      )
    } else if (type === 'f16') draft.plain(spellings, type)
    else draft.require(spellings, type, `a KV cache of type ${type}`)
  }
  const quantised = [cacheTypeK, cacheTypeV].find((type) => bytesPerValue(type) < 2)
  // Measured on the demo's model: f16 reads a prompt of 1,090 at 474 tokens/s, q8_0 at 156, q4_0 at 95; of 3,490 at 273, 62, 34.
  if (profile.gpuLayers === 0 && quantised !== undefined)
    draft.warnings.push(
      `Without a GPU (gpuLayers 0) a ${quantised} KV cache reads prompts 3 to 8 times slower than f16 (measured): set llamaServer.cacheTypeK and cacheTypeV to f16, unless memory is too short for it.`,
    )
  // Since August 2025 -fa takes a value and defaults to auto; without a value it would swallow the next flag (measured:
  // rc 1). Earlier it was a switch, off by default, and a quantized V cache needs it.
  const flashAttention = ['-fa', '--flash-attn']
  const flag = capabilities.firstSupported(flashAttention)
  if (flag !== null && capabilities.valueCount(flag) === 0 && bytesPerValue(cacheTypeV) < 2)
    draft.add(
      flashAttention,
      null,
      `A ${cacheTypeV} V cache needs flash attention, which is a switch and off by default on this build.`,
    )
}

function planBatch(draft: ArgvDraft, profile: LlamaProfile, capabilities: LlamaCapabilities) {
  const { batchTokens, microBatchTokens } = profile
  const against = (flag: string, ours: number) => {
    const value = capabilities.defaultOf(flag)
    if (value === String(ours)) return "which is this build's default too"
    return value === null ? "instead of this build's default" : `instead of this build's default of ${value}`
  }
  draft.add(
    ['-b', '--batch-size'],
    String(batchTokens),
    `Other streams wait for each batch of a long prompt: batches of ${formatCount(batchTokens)} tokens, ${against('-b', batchTokens)} (measured beside a prefill of 8,700: 5 tokens in 21 s at 2048, about 35 in 24 s at 256, the prefill 15 % slower).`,
  )
  draft.add(
    ['-ub', '--ubatch-size'],
    String(microBatchTokens),
    `Computed at once: ${formatCount(microBatchTokens)} tokens, ${against('-ub', microBatchTokens)}.`,
  )
}

function planEndpoints(draft: ArgvDraft, { profile, capabilities, apiKeyPath, slotCache }: LlamaPlanInput) {
  const hosts = [profile.host].flat()
  const host = hosts.join(',')
  if (hosts.length > 1 && !/comma-separated/.test(capabilities.find('--host')?.text ?? ''))
    draft.reasons.push(
      `llamaServer.host lists ${hosts.length} addresses, but this build of llama-server listens on one (builds since September 2026 take several): set one of them, or 0.0.0.0 for all.`,
    )
  draft.require(['--host'], host, 'an address')
  draft.require(['--port'], String(profile.port), 'a port')
  if (host !== '0.0.0.0') {
    const reason = `The profile restricts it to ${host}.`
    draft.adaptations.push({
      flag: '--host',
      seed: '--host 0.0.0.0',
      ours: `--host ${host}`,
      reason,
    })
  }
  const local = hosts.every((one) => ['127.0.0.1', 'localhost', '::1'].includes(one))
  if (!local && capabilities.firstSupported(['--api-key-file']) === null) {
    draft.reasons.push(
      `This build has no --api-key-file: it would serve every client that can reach ${host}:${profile.port}.`,
    )
  }
  draft.add(
    ['--api-key-file'],
    apiKeyPath,
    `Without it any client that can reach ${host}:${profile.port} may use the model; a file keeps the key out of the process list.`,
  )
  draft.add(
    ['-a', '--alias'],
    profile.alias,
    'The name that LiteLLM asks for; the default is the path of the model file.',
  )
  draft.add(['--metrics'], null, 'Off by default; needed for the queue and the token counters.')
  planSlotCache(draft, capabilities, profile, slotCache ?? null)
  draft.add(['--offline'], null, 'The model is a local file, so the start needs no network.')
  planSwitches(draft, capabilities)
}

function planSwitches(draft: ArgvDraft, capabilities: LlamaCapabilities) {
  const isOn = (flag: string) => /^(enabled|true)/.test(capabilities.defaultOf(flag) ?? '')
  if (!isOn('--slots'))
    draft.add(['--slots'], null, 'Off by default in this build; needed to see what each slot does.')
  draft.addIfListed(
    ['--no-ui', '--no-webui'],
    null,
    'Its chat page is not used here and would be one more thing exposed on the LAN.',
  )
  if (capabilities.allowedValues('--log-colors')?.includes('off'))
    draft.add(['--log-colors'], 'off', 'The log goes to a file that Nexus parses line by line.')
  planLogLevel(draft, capabilities)
  if (capabilities.supports('--jinja') && !isOn('--jinja'))
    draft.add(['--jinja'], null, "Off by default in this build; tools need the model's own chat template.")
}

/** After --jinja: without it this build may accept only its built-in templates (--help, both builds). */
function planChatTemplate(draft: ArgvDraft, choice: ChatTemplateChoice) {
  if (choice.kind === 'file') draft.add(['--chat-template-file'], choice.path, choice.reason)
  else if (choice.toolless === true)
    draft.warnings.push(
      `Tools do not reach the model: ${choice.reason}. An agent on it can only talk; llamaServer.chatTemplate can name a template that renders tools.`,
    )
}

/** Applies to every request, because the Router drops the temperature that clients force (`keepModelSampling`). */
function planSampling(draft: ArgvDraft, { sampling }: LlamaProfile, capabilities: LlamaCapabilities) {
  if (sampling == null) return
  for (const [spellings, value] of [
    [['--temp', '--temperature'], sampling.temperature],
    [['--top-p'], sampling.topP],
  ] as const) {
    const usual = capabilities.defaultOf(spellings[0])
    const reason = `The model's own, set in the profile (llamaServer.sampling); otherwise requests without a value get the default of the model file or this build${usual === null ? '' : ` (${usual})`}.`
    draft.add(spellings, String(value), reason)
  }
}

/**
 * Only if the build calls level 4 "trace": on older ones a level this high was for debugging and logged prompts.
 * Measured on b10068, six requests: 27 instead of 7 KB of log, no prompt texts, CPU time equal within its own spread of
 * 5 %.
 */
function planLogLevel(draft: ArgvDraft, capabilities: LlamaCapabilities) {
  const flag = capabilities.firstSupported(['-lv', '--log-verbosity', '--verbosity'])
  if (flag === null || !/- 4: trace/.test(capabilities.find(flag)?.text ?? '')) return
  draft.add(
    [flag],
    '4',
    'Only this level logs the allocations, to compare with the memory plan, and the length of each prompt (about 4 KB of log a request instead of 1).',
  )
}

function bytesPerValue(type: LlamaProfile['cacheTypeK']): number {
  const { blockValues, blockBytes } = cacheBlock(type)
  return blockBytes / blockValues
}

const formatBytes = (value: number) => String(Math.round(value * 10_000) / 10_000)
