// Claude Code's limits and settings file: computed from the profile, each line explained, none missing.

import { describe, expect, it } from 'vitest'
import { builtinProfiles } from '../config/profiles.ts'
import { claudeModelName } from '../router/claude-model-name.ts'
import { clientLimits, compactThreshold, limitsWarning } from '../router/client-limits.ts'
import { claudeSettings, explainClaudeSettings, renderClaudeSettings } from './claude-settings.ts'

const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('there is no studio profile')
const engine = (change: Partial<typeof studio.llamaServer>) => ({
  ...studio.llamaServer,
  unifiedKv: false,
  ...change,
})

describe('clientLimits', () => {
  it('divides the context among the slots: -c 131072 -np 4 leaves each agent 32,768', () => {
    expect(clientLimits(engine({ contextTokens: 131_072, slots: 4 }))).toEqual({
      contextTokens: 32_768,
      maxOutputTokens: 4_096,
      compactAtTokens: 15_672,
    })
  })

  it('gives each agent the same share of a pool as the Router, and no longer answers', () => {
    expect(clientLimits(engine({ contextTokens: 131_072, unifiedKv: true }))).toMatchObject({
      contextTokens: 130_560,
      maxOutputTokens: 8_160,
    })
    const pinnedFlags = ['--kv-unified-per-slot', '65536']
    const capped = clientLimits(engine({ contextTokens: 131_072, unifiedKv: true, pinnedFlags }))
    expect(capped.contextTokens).toBe(65_536)
    const trained = clientLimits(engine({ contextTokens: 131_072, unifiedKv: true }), 40_960)
    expect(trained).toMatchObject({ contextTokens: 40_960, maxOutputTokens: 5_120 })
  })

  it("follows a pinned flag, and the model's training length", () => {
    expect(clientLimits(engine({ pinnedFlags: ['-np', '2'], contextTokens: 131_072 })).contextTokens).toBe(
      65_536,
    )
    expect(clientLimits(engine({ contextTokens: 393_216 }), 40_960).contextTokens).toBe(40_960)
  })

  it('never promises more output than Claude Code counts, or than the slot', () => {
    expect(clientLimits(engine({ contextTokens: 1_048_576, slots: 1 })).maxOutputTokens).toBe(20_000)
    expect(clientLimits(engine({ contextTokens: 2_048, slots: 8 })).maxOutputTokens).toBe(256)
  })

  it('reports a slot too small for Claude Code to compact', () => {
    const small = clientLimits(engine({ contextTokens: 32_768, slots: 4 }))
    expect(small.compactAtTokens).toBeNull()
    expect(limitsWarning(small)).toContain('8,192 tokens')
    expect(limitsWarning(clientLimits(studio.llamaServer))).toBeNull()
  })

  it('follows the rule of Claude Code 2.1.197', () => {
    expect(compactThreshold(32_768, 4_096)).toBe(15_672)
    expect(compactThreshold(200_000, 64_000)).toBe(167_000)
  })
})

describe('claudeSettings', () => {
  const limits = clientLimits(engine({ contextTokens: 131_072 }))
  const settings = claudeSettings({
    baseUrl: 'http://10.0.0.5:4000',
    apiKey: 'sk-x',
    limits,
    proxy: studio.proxy,
    slots: 4,
  })

  it('are the measured combination, with one model name throughout', () => {
    const file: unknown = JSON.parse(renderClaudeSettings(settings))
    expect(file).toMatchObject({
      env: {
        ANTHROPIC_BASE_URL: 'http://10.0.0.5:4000',
        ANTHROPIC_AUTH_TOKEN: 'sk-x',
        ANTHROPIC_MODEL: 'opta-claude-3-r1',
        ANTHROPIC_DEFAULT_OPUS_MODEL: 'opta-claude-3-r1',
        ANTHROPIC_DEFAULT_SONNET_MODEL: 'opta-claude-3-r1',
        ANTHROPIC_DEFAULT_HAIKU_MODEL: 'opta-claude-3-r1',
        CLAUDE_CODE_SUBAGENT_MODEL: 'opta-claude-3-r1',
        CLAUDE_CODE_ATTRIBUTION_HEADER: '0',
        CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: '1',
        CLAUDE_CODE_DISABLE_THINKING: '1',
        CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT: '1',
        CLAUDE_CODE_MAX_OUTPUT_TOKENS: '4096',
        CLAUDE_CODE_MAX_CONTEXT_TOKENS: '32768',
        CLAUDE_CODE_DISABLE_TERMINAL_TITLE: '1',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        API_TIMEOUT_MS: '3600000',
      },
    })
  })

  it('remove tools that cost more than they give, and keep the useful ones', () => {
    const deny = settings.find(({ name }) => name === 'permissions.deny')?.value
    expect(deny).toHaveLength(23)
    for (const kept of ['Bash', 'Read', 'Edit', 'Write', 'ExitPlanMode', 'Agent'])
      expect(deny).not.toContain(kept)
    for (const spare of ['ListAgents', 'Monitor', 'WebSearch']) expect(deny).toContain(spare)
  })

  const settingOf = (slots: number, contextTokens: number, tools?: readonly string[] | null) => {
    const input = {
      baseUrl: 'http://10.0.0.5:4000',
      apiKey: 'sk-x',
      limits: clientLimits(engine({ contextTokens: contextTokens * slots, slots })),
      proxy:
        tools === undefined ? studio.proxy : { ...studio.proxy, tools: tools === null ? null : [...tools] },
      slots,
    }
    const values = new Map(claudeSettings(input).map(({ name, value }) => [name, value]))
    return (name: string) => values.get(name) ?? null
  }

  it('allow as many subagents as have their own slots', () => {
    expect(settingOf(4, 32_768)('CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS')).toBe('3')
    for (const value of [settingOf(1, 32_768), settingOf(4, 8_192)]) {
      expect(value('CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS')).toBeNull()
      expect(value('permissions.deny')).toContain('Agent')
    }
  })

  it('leave compaction to the Router when Claude Code would compact before every turn', () => {
    const name = 'CLAUDE_CODE_DISABLE_UNKNOWN_MODEL_WINDOW_ENFORCEMENT'
    expect(settingOf(4, 5_120)(name)).toBe('1')
    expect(settingOf(4, 32_768)(name)).toBeNull()
  })

  it('deny tools that the profile does not name, and none if it allows all', () => {
    expect(settingOf(4, 32_768, ['Bash', 'WebFetch'])('permissions.deny')).not.toContain('WebFetch')
    expect(settingOf(4, 32_768, ['Bash', 'WebFetch'])('permissions.deny')).toContain('Agent')
    expect(settingOf(4, 32_768, null)('permissions.deny')).toEqual([])
  })

  it('wait out 529 for as long as one answer may take', () => {
    expect(settingOf(4, 32_768)('CLAUDE_CODE_RETRY_WATCHDOG')).toBe('1')
    expect(settingOf(4, 32_768)('CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS')).toBe('3600000')
  })

  it('explain every line once', () => {
    expect(explainClaudeSettings(settings)).toHaveLength(settings.length)
    for (const { why } of settings) expect(why.length).toBeGreaterThan(10)
    expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length)
  })
})

describe('claudeModelName', () => {
  it('never makes Claude Code assume 200,000 tokens', () => {
    expect(claudeModelName({ modelName: 'claude-3-5-sonnet-20241022' })).toBe('opta-claude-3-r1')
    expect(claudeModelName({ modelName: 'my-model' })).toBe('my-model')
  })
})
