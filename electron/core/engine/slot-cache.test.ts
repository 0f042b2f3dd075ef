// Which profiles keep conversations in their slots, and the flags that llama-server gets.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { planLlamaArgv } from './llama-argv.ts'
import { parseLlamaHelp } from './llama-help.ts'
import { effectivePromptCacheMiB, slotCacheOf } from './slot-cache.ts'

const studio = builtinProfiles('/runtime')['studio']
if (studio === undefined) throw new Error('there is no studio profile')
const profileWith = (over: {
  proxy?: Partial<Profile['proxy']>
  llamaServer?: Partial<Profile['llamaServer']>
  ramDisk?: Partial<Profile['ramDisk']>
}): Profile => ({
  ...studio,
  proxy: { ...studio.proxy, ...over.proxy },
  llamaServer: { ...studio.llamaServer, ...over.llamaServer },
  ramDisk: { ...studio.ramDisk, ...over.ramDisk },
})

const argvOf = (profile: Profile, build = 'b10434', change = (help: string) => help) => {
  const path = new URL(`../../../resources/llama-help/${build}.txt`, import.meta.url)
  const capabilities = parseLlamaHelp(change(readFileSync(path, 'utf8')))
  if (capabilities === null) throw new Error('not read as help')
  const plan = planLlamaArgv({
    profile: profile.llamaServer,
    capabilities,
    apiKeyPath: '/state/keys/engine.key',
    binaryPath: '/opt/llama-server',
    chatTemplate: { kind: 'own', toolless: false, reason: 'it renders tools' },
    slotCache: slotCacheOf(profile, '/state/parked'),
  })
  if (plan.kind !== 'planned') throw new Error(plan.reasons.join(' '))
  return { line: plan.argv.join(' '), adaptations: plan.adaptations }
}

describe('slots that keep what they hold', () => {
  it.each(['b10068', 'b10434'])('are asked for in the words of %s, each flag with its reason', (build) => {
    const { line, adaptations } = argvOf(profileWith({}), build)
    expect(line).toContain(
      '--metrics -cram 0 --no-cache-idle-slots -sps 0.9 --slot-save-path /state/parked --offline',
    )
    const reasonOf = (flag: string) => adaptations.find((each) => each.flag === flag)?.reason
    expect(reasonOf('--slot-save-path')).toContain('at most 65,536 MiB in all (llamaServer.parkedCacheMiB)')
    expect(reasonOf('--slot-save-path')).toContain('168 h unused')
    expect(reasonOf('-cram')).toContain('llama.cpp#28139')
  })

  it('are not, where llama-server gets its requests from elsewhere or at once', () => {
    for (const proxy of [{ pinConversations: false }, { admission: false }, { configPath: '/own.yaml' }]) {
      const profile = profileWith({ proxy })
      expect(slotCacheOf(profile, '/state/parked')).toBeNull()
      expect(effectivePromptCacheMiB(profile)).toBe(8192)
      expect(argvOf(profile).line).toContain('-cram 8192 --offline')
    }
  })

  it('leave a flag that the user pinned alone', () => {
    const { line } = argvOf(profileWith({ llamaServer: { pinnedFlags: ['--cache-ram', '512'] } }))
    expect(line).not.toContain('-cram 0')
  })

  it('park nothing where that is off, or would be on the RAM disk', () => {
    for (const profile of [
      profileWith({ llamaServer: { parkedCacheMiB: 0 } }),
      profileWith({ ramDisk: { mountPoint: '/state' } }),
    ]) {
      expect(slotCacheOf(profile, '/state/parked')).toEqual({ parked: null })
      expect(argvOf(profile).line).not.toContain('--slot-save-path')
    }
    expect(
      slotCacheOf(profileWith({ ramDisk: { mountPoint: '/sta' } }), '/state/parked')?.parked,
    ).not.toBeNull()
  })
})
