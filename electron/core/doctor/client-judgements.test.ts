// Claude Code on this machine: room, variables, settings, its release.
import { describe, expect, it } from 'vitest'
import { claudeSettings, renderClaudeSettings } from '../clients/claude-settings.ts'
import type { ReachAddress } from '../clients/reach-address.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { clientLimits } from '../router/client-limits.ts'
import { judgeMends, judgeRoom, judgeSettings, judgeVariables, judgeVersion } from './client-judgements.ts'

const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('there is no studio profile')
const limitsOf = (contextTokens: number, slots: number) =>
  clientLimits({ ...studio.llamaServer, unifiedKv: false, contextTokens, slots })

describe('judgeRoom', () => {
  it.each([
    [393_216, 4, 'ok', '98,304 tokens'],
    [131_072, 4, 'ok', 'compacts at 15,672'],
    [32_768, 4, 'warn', 'short tasks only'],
    [16_384, 4, 'fail', 'first turn alone takes 3,400'],
  ])('-c %i for %i agents is %s', (contextTokens, slots, level, words) => {
    const verdict = judgeRoom(limitsOf(contextTokens, slots), (key) => `profiles.x.${key}`)
    expect(verdict.level).toBe(level)
    expect(verdict.found).toContain(words)
    if (level !== 'ok') expect(verdict.mend).toContain('profiles.x.llamaServer.contextTokens')
  })
})

describe('judgeMends', () => {
  const place = (key: string) => `profiles.x.${key}`
  it('passes a profile with all switches on', () => {
    expect(judgeMends(studio, place).level).toBe('ok')
  })
  it('counts a switch that turns off others', () => {
    const { found } = judgeMends({ ...studio, proxy: { ...studio.proxy, admission: false } }, place)
    expect(found).toMatch(/proxy\.admission is off.*proxy\.pinConversations is off/)
  })
  it("says what breaks when a switch is off, or the configuration is the user's own", () => {
    const off = judgeMends(
      { ...studio, proxy: { ...studio.proxy, refuseOverlongPrompts: false, mendTools: false } },
      place,
    )
    expect(off).toMatchObject({
      level: 'warn',
      mend: 'Take profiles.x.proxy.refuseOverlongPrompts, profiles.x.proxy.mendTools out of the profile.',
    })
    expect(off.found).toContain('upon which Claude Code compacts')
    expect(
      judgeMends({ ...studio, proxy: { ...studio.proxy, configPath: '/etc/litellm.yaml' } }, place),
    ).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('does not limit bodies, answers or connections without a key'),
    })
  })
})

describe('judgeVariables', () => {
  const here = ({ port }: ReachAddress) => port === 4000
  const url = 'http://127.0.0.1:4000'
  it.each<[string, Record<string, string>, string, string]>([
    ['both lines', { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-a' }, 'ok', url],
    ['/v1 at the end', { ANTHROPIC_BASE_URL: `${url}/v1` }, 'fail', 'ends in /v1'],
    ['no key', { ANTHROPIC_BASE_URL: url }, 'warn', 'but no key'],
    [
      'two keys',
      { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-secret-1', ANTHROPIC_AUTH_TOKEN: 'sk-secret-2' },
      'warn',
      'different keys',
    ],
    [
      'a name of Anthropic',
      { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-a', ANTHROPIC_MODEL: 'claude-opus-4-8' },
      'warn',
      '200,000',
    ],
    [
      'a proxy in between',
      { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-a', HTTP_PROXY: 'http://p:1' },
      'warn',
      'proxy',
    ],
  ])('%s', (_, env, level, words) => {
    const verdict = judgeVariables(env, here)
    expect(verdict?.level).toBe(level)
    expect(verdict?.found).toContain(words)
    expect(JSON.stringify(verdict)).not.toContain('secret')
  })

  it('ignores variables that lead elsewhere, or nowhere', () => {
    expect(judgeVariables({}, here)).toBeNull()
    expect(judgeVariables({ ANTHROPIC_BASE_URL: 'https://api.anthropic.com' }, here)).toBeNull()
  })
})

describe('judgeSettings', () => {
  const settingsFor = (contextTokens: number) =>
    claudeSettings({
      baseUrl: 'http://10.0.0.5:4000',
      apiKey: 'sk-secret',
      limits: limitsOf(contextTokens, 4),
      proxy: studio.proxy,
      slots: 4,
    })
  const here = (url: string) => url.startsWith('http://10.0.0.5')
  const judge = (text: string) =>
    judgeSettings('/home/anna/.claude/settings.json', text, settingsFor(393_216), here)

  it('passes the file that nexus clients shows', () => {
    expect(judge(renderClaudeSettings(settingsFor(393_216)))?.level).toBe('ok')
  })

  it('notices limits of an earlier profile, and shows no key', () => {
    const verdict = judge(renderClaudeSettings(settingsFor(131_072)))
    expect(verdict?.level).toBe('warn')
    expect(verdict?.found).toContain('CLAUDE_CODE_MAX_CONTEXT_TOKENS is 32768, not 98304')
    expect(JSON.stringify(verdict)).not.toContain('secret')
  })

  it('notices a missing line, and lets the user name the model and choose the tools', () => {
    const text = renderClaudeSettings(settingsFor(393_216))
    const without = text.replace(/ *"CLAUDE_CODE_DISABLE_TERMINAL_TITLE": "1",\n/, '')
    expect(judge(without)?.found).toContain('CLAUDE_CODE_DISABLE_TERMINAL_TITLE is not set')
    expect(judge(text.replaceAll('opta-claude-3-r1', 'my-claude-3-x'))?.level).toBe('ok')
    expect(judge(text.replaceAll('opta-claude-3-r1', 'claude-opus-4-8'))?.level).toBe('warn')
    expect(judge(text.replace(/ *"WebFetch",\n/, ''))?.level).toBe('ok')
  })

  it('fails on invalid JSON, and ignores settings for another server', () => {
    expect(judge('{ "env": ')?.level).toBe('fail')
    expect(judge('{"env": {"ANTHROPIC_BASE_URL": "https://elsewhere"}}')).toBeNull()
    expect(judge('{}')).toBeNull()
  })
})

it.each([
  ['2.1.332 (Claude Code)\n', 'opta-claude-3-r1', 'ok'],
  ['2.1.197 (Claude Code)\n', 'opta-claude-3-r1', 'warn'],
  ['2.1.265 (Claude Code)\n', 'opta-claude-3-r1', 'fail'],
  ['2.1.267 (Claude Code)\n', 'my-model', 'fail'],
  ['2.1.268 (Claude Code)\n', 'opta-claude-3-r1', 'warn'],
  ['2.1.275 (Claude Code)\n', 'my-model', 'fail'],
  ['2.1.276 (Claude Code)\n', 'my-model', 'ok'],
  ['2.2.0 (Claude Code)\n', 'opta-claude-3-r1', 'warn'],
  ['2.2.0 (Claude Code)\n', 'my-model', 'ok'],
  ['command failed', 'opta-claude-3-r1', 'unknown'],
])('judgeVersion of %j with %s is %s', (says, model, level) => {
  expect(judgeVersion(says, model, () => null).level).toBe(level)
})

it('judgeVersion reports what was seen with the installed release', () => {
  const judge = (passed: string[], failed: string[]) =>
    judgeVersion('2.2.0 (Claude Code)', 'opta-claude-3-r1', (version) => ({ version, at: 1, passed, failed }))
  expect(judge(['first-answer', 'wrong-key'], [])).toMatchObject({
    level: 'ok',
    found: '2.2.0: nexus try-claude passed first-answer, wrong-key here',
  })
  expect(judge(['first-answer'], ['wrong-key'])).toMatchObject({
    level: 'warn',
    found: '2.2.0: nexus try-claude failed here at wrong-key',
  })
})
