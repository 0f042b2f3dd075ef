// What the profile switches is what the Router gets and what the plan lists.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import { isAdmissionOn } from '../config/kv-sharing.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { slotCacheOf } from '../engine/slot-cache.ts'
import { clientLimits } from './client-limits.ts'
import { routerSettings } from './litellm-router-settings.ts'
import { planRouter } from './router-plan.ts'

const demo = builtinProfiles('/runtime')['demo']
if (demo === undefined) throw new Error('there is no demo profile')
const resources = join(import.meta.dirname, '../../../resources')
const paths = { proxyDir: '/state/litellm', feedPath: '/state/router.sock' }
const profileWith = (over: {
  proxy?: Partial<Profile['proxy']>
  llamaServer?: Partial<Profile['llamaServer']>
}): Profile => ({
  ...demo,
  proxy: { ...demo.proxy, ...over.proxy },
  llamaServer: { ...demo.llamaServer, ...over.llamaServer },
})

describe('the settings of the Router', () => {
  it('have everything on unless the profile says otherwise', () => {
    expect(planRouter(demo).filter(({ on }) => !on)).toEqual([])
    const switches = [
      'joinSystemMessages',
      'dropAttribution',
      'keepModelSampling',
      'refuseOverlongPrompts',
      'mendThinking',
      'mendTools',
      'refuseUnseen',
      'alwaysStream',
      'pinConversations',
    ] as const
    const offWithout = (name: string) =>
      planRouter(profileWith({ proxy: { [name]: false } }))
        .filter(({ on }) => !on)
        .map(({ setting }) => setting)
    for (const name of switches) expect(offWithout(name)).toEqual([`proxy.${name}`])
    // Where llama-server gets everything at once, a slot's next request is not the Router's to decide.
    expect(offWithout('admission')).toEqual(['proxy.admission', 'proxy.pinConversations'])
  })

  it('guard the pool that really runs, including pinned flags', () => {
    expect(routerSettings(demo, paths)).toMatchObject({ pool_tokens: null, slots: 4, queue_limit: 16 })
    const pinned = profileWith({ llamaServer: { pinnedFlags: ['-kvu', '-c', '9000', '-np', '3'] } })
    expect(routerSettings(pinned, paths)).toMatchObject({
      pool_tokens: 8_488,
      pool_answer_tokens: 707,
      slots: 3,
    })
    const admission = planRouter(pinned).find(({ setting }) => setting === 'proxy.admission')
    expect(admission?.does).toContain('at most 8,488 tokens together (the pool)')
    expect(routerSettings(profileWith({ proxy: { queueLimit: 0 } }), paths).queue_limit).toBe(0)
  })

  const pools: readonly [string, Partial<Profile['llamaServer']>][] = [
    ['the profile', { unifiedKv: true, contextTokens: 131_072 }],
    ['pinned flags', { pinnedFlags: ['-kvu', '-c', '100000', '-np', '3'] }],
    ['hardly anything', { unifiedKv: true, contextTokens: 1_024 }],
  ]
  it.each(pools)('grant the same part of a pool as clients get in their settings: %s', (_, llamaServer) => {
    const profile = profileWith({ llamaServer })
    const { pool_tokens, pool_answer_tokens } = routerSettings(profile, paths)
    const { contextTokens, maxOutputTokens } = clientLimits(profile.llamaServer)
    expect({ contextTokens, maxOutputTokens }).toEqual({
      contextTokens: pool_tokens,
      maxOutputTokens: pool_answer_tokens,
    })
  })

  it("limit a request's size and fields", () => {
    expect(routerSettings(demo, paths)).toMatchObject({ max_body_bytes: 33_554_432, pass_fields: null })
    const own = profileWith({ proxy: { maxBodyBytes: 1_000_000, passFields: ['min_p', 'grammar'] } })
    expect(routerSettings(own, paths)).toMatchObject({
      max_body_bytes: 1_000_000,
      pass_fields: ['min_p', 'grammar'],
    })
    const does = (setting: string) => planRouter(own).find((each) => each.setting === setting)?.does
    expect(does('proxy.maxBodyBytes')).toContain('1,000,000 bytes')
    expect(does('proxy.passFields')).toContain('min_p, grammar')
  })

  it("are all off with a LiteLLM configuration of the user's own", () => {
    const own = profileWith({ proxy: { configPath: '/home/a/config.yaml' } })
    expect(isAdmissionOn(own)).toBe(false)
    expect(planRouter(own).some(({ on }) => on)).toBe(false)
  })

  it('name the folder for conversations without a slot', () => {
    const profile = profileWith({ llamaServer: { parkedCacheMiB: 100, parkedCacheHours: 2 } })
    expect(routerSettings(profile, paths, slotCacheOf(profile, '/state/parked'))).toMatchObject({
      pin_conversations: true,
      parked_dir: '/state/parked',
      parked_most_bytes: 104_857_600,
      parked_most_age_seconds: 7_200,
      engine_record_path: '/state/litellm/engine.json',
    })
    expect(routerSettings(profile, paths)).toMatchObject({ pin_conversations: false, parked_dir: null })
  })

  it('are the fields that the Python side knows', () => {
    const known = readFileSync(join(resources, 'opta_settings.py'), 'utf8')
    for (const name of Object.keys(routerSettings(demo, paths))) expect(known).toContain(`    ${name}: `)
  })

  it('list the tools that reach the model: a coding agent needs few, and a list in the profile applies to every client', () => {
    const toolsOf = (change: Parameters<typeof profileWith>[0]) => {
      const { tools, tools_for_everybody } = routerSettings(profileWith(change), paths)
      return { tools, tools_for_everybody }
    }
    const says = (change: Parameters<typeof profileWith>[0]) =>
      planRouter(profileWith(change)).find(({ setting }) => setting === 'proxy.tools')
    const coding = ['Bash', 'Edit', 'Read', 'Write', 'ExitPlanMode']
    expect(toolsOf({})).toEqual({ tools: coding, tools_for_everybody: false })
    const roomy = { llamaServer: { contextTokens: 131_072, slots: 4 } }
    expect(toolsOf(roomy).tools).toEqual([...coding, 'Agent'])
    expect(says(roomy)?.does).toContain(
      'Write, ExitPlanMode, Agent and those of MCP servers (mcp__*) reach the model',
    )
    const chosen = { proxy: { tools: ['Bash', 'WebFetch'] } }
    expect(toolsOf(chosen)).toEqual({ tools: ['Bash', 'WebFetch'], tools_for_everybody: true })
    expect(says(chosen)?.does).toContain("of every client's tools only Bash, WebFetch")
    expect(says({ proxy: { tools: null } })).toMatchObject({ on: false })
  })
})
