// The limits and the file that Claude Code is given: computed from the profile, each line explained, nothing forgotten.

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

  it('gives each agent as much of a pool as the Router does, and no longer answers', () => {
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

  it('follows a flag that the user pinned, and the length the model was trained for', () => {
    expect(clientLimits(engine({ pinnedFlags: ['-np', '2'], contextTokens: 131_072 })).contextTokens).toBe(
      65_536,
    )
    expect(clientLimits(engine({ contextTokens: 393_216 }), 40_960).contextTokens).toBe(40_960)
  })

  it('never promises more output than counts, nor more than the slot', () => {
    expect(clientLimits(engine({ contextTokens: 1_048_576, slots: 1 })).maxOutputTokens).toBe(20_000)
    expect(clientLimits(engine({ contextTokens: 2_048, slots: 8 })).maxOutputTokens).toBe(256)
  })

  it('says when a slot is too small for Claude Code to compact in', () => {
    const small = clientLimits(engine({ contextTokens: 32_768, slots: 4 }))
    expect(small.compactAtTokens).toBeNull()
    expect(limitsWarning(small)).toContain('8,192 tokens')
    expect(limitsWarning(clientLimits(studio.llamaServer))).toBeNull()
  })

  it('has the rule of Claude Code 2.1.197', () => {
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

  it('are what was measured as working together, and no two names disagree', () => {
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

  it('take the tools out that cost more than they give, and leave those that work', () => {
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

  it('let subagents work where they have slots of their own, and no more of them', () => {
    expect(settingOf(4, 32_768)('CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS')).toBe('3')
    for (const value of [settingOf(1, 32_768), settingOf(4, 8_192)]) {
      expect(value('CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS')).toBeNull()
      expect(value('permissions.deny')).toContain('Agent')
    }
  })

  it('leave compaction to the Router where Claude Code would do it before every turn', () => {
    const name = 'CLAUDE_CODE_DISABLE_UNKNOWN_MODEL_WINDOW_ENFORCEMENT'
    expect(settingOf(4, 5_120)(name)).toBe('1')
    expect(settingOf(4, 32_768)(name)).toBeNull()
  })

  it('deny what the profile does not name, and nothing where it takes all', () => {
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
  it('is never one that makes Claude Code count on 200,000 tokens', () => {
    expect(claudeModelName({ modelName: 'claude-3-5-sonnet-20241022' })).toBe('opta-claude-3-r1')
    expect(claudeModelName({ modelName: 'my-model' })).toBe('my-model')
  })
})
