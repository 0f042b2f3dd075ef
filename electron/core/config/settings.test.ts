// The config file from a window's side: shown without keys, replaced only when it is still the one that was shown.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Config } from '../../contract/config.ts'
import { SettingsAnswerSchema } from '../../contract/question.ts'
import { parseConfig } from './config.ts'
import { maskedKey } from './masked-config.ts'
import { builtinProfiles } from './profiles.ts'
import { openSettings } from './settings.ts'

const memoryBytes = 64 * 1024 ** 3
let files: { configPath: string; lastGoodConfigPath: string; runtimeDir: string }

beforeEach(() => {
  const home = mkdtempSync(join(tmpdir(), 'nexus-settings-'))
  files = {
    configPath: join(home, 'config.json'),
    lastGoodConfigPath: join(home, 'config.last-good.json'),
    runtimeDir: join(home, 'runtime'),
  }
})
afterEach(() => rmSync(join(files.configPath, '..'), { recursive: true, force: true }))

const write = (config: object) => writeFileSync(files.configPath, JSON.stringify(config))
const written = (): Config => parseConfig(readFileSync(files.configPath, 'utf8'), 'written')
const demo = () => {
  const profile = builtinProfiles(files.runtimeDir)['demo']
  if (profile === undefined) throw new Error('there is no demo profile')
  return profile
}

describe('the answer for a window', () => {
  it('is the default without a file, and fits the contract', () => {
    const answer = openSettings(files).answer(null)
    expect(SettingsAnswerSchema.parse(answer)).toEqual(answer)
    expect(answer).toMatchObject({
      path: files.configPath,
      problems: [],
      profileNames: ['studio', 'demo'],
      profileName: 'demo',
      restartNeeded: [],
    })
  })

  it('has no key in it', () => {
    write({
      profile: 'mine',
      profiles: { mine: { extends: 'demo', proxy: { clientKey: 'sk-very-secret' } } },
    })
    const answer = openSettings(files).answer(null)
    expect(JSON.stringify(answer)).not.toContain('very-secret')
    expect(answer.config.profiles['mine']?.proxy?.clientKey).toBe(maskedKey)
    expect(answer.profile.proxy.clientKey).toBe(maskedKey)
    expect(answer.profileNames).toEqual(['studio', 'demo', 'mine'])
  })

  it('is the last good one with every problem while the file is broken', () => {
    write({ drainSeconds: 7 })
    const settings = openSettings(files)
    settings.answer(null)
    write({ drainSeconds: -1, menuBarText: 'all' })
    const answer = settings.answer(null)
    expect(answer.config.drainSeconds).toBe(7)
    expect(answer.problems).toHaveLength(2)
    expect(answer.problems.join()).toContain('drainSeconds: found -1')
  })

  it('says which profile cannot be read', () => {
    write({ profile: 'gone' })
    const answer = openSettings(files).answer({ name: 'demo', profile: demo() })
    expect(answer.problems.join()).toContain('profile: found "gone"')
    expect(answer).toMatchObject({ profileName: 'demo', restartNeeded: [] })
  })

  it('names each value that differs from the running one, but no key', () => {
    write({
      profiles: {
        demo: {
          llamaServer: { slots: 2, pinnedFlags: ['-fa', 'on'] },
          proxy: { clientKey: 'sk-very-secret' },
        },
      },
    })
    expect(openSettings(files).answer({ name: 'demo', profile: demo() }).restartNeeded).toEqual([
      { key: 'llamaServer.slots', running: '4', configured: '2' },
      { key: 'llamaServer.pinnedFlags', running: '[]', configured: '["-fa","on"]' },
      { key: 'proxy.clientKey', running: 'another key', configured: 'the configured key' },
    ])
  })

  it('names added and removed values', () => {
    write({ profiles: { demo: { proxy: { queueLimit: 2 } } } })
    const plain = { name: 'demo', profile: demo() }
    expect(openSettings(files).answer(plain).restartNeeded).toEqual([
      { key: 'proxy.queueLimit', running: 'not set', configured: '2' },
    ])
    write({})
    const { llamaServer, proxy, ...others } = demo()
    const running = {
      ...others,
      llamaServer: { ...llamaServer, chatTemplate: 'model' },
      proxy: { ...proxy, queueLimit: 2 },
    }
    expect(openSettings(files).answer({ name: 'demo', profile: running }).restartNeeded).toEqual([
      { key: 'llamaServer.chatTemplate', running: 'model', configured: 'not set' },
      { key: 'proxy.queueLimit', running: '2', configured: 'not set' },
    ])
  })

  it('gives the profile that would be chosen without a configured one', () => {
    const model = join(files.configPath, '..', 'model.gguf')
    const studio = { llamaServer: { modelPath: model, draftModelPath: model } }
    write({ profile: 'demo', profiles: { studio } })
    const running = { name: 'demo', profile: demo() }
    const answer = () => openSettings(files).answer(running)
    expect(answer()).toMatchObject({ profileName: 'demo', automaticProfileName: 'demo' })
    writeFileSync(model, '')
    expect(answer()).toMatchObject({ profileName: 'demo', automaticProfileName: 'studio' })
    write({ profiles: { studio: { ...studio, extends: 'mine' }, mine: { extends: 'studio' } } })
    expect(answer().automaticProfileName).toBeNull()
  })

  it('names only the profile if it is a different one', () => {
    write({ profile: 'studio' })
    expect(openSettings(files).answer({ name: 'demo', profile: demo() }).restartNeeded).toEqual([
      { key: 'profile', running: 'demo', configured: 'studio', needsEject: true },
    ])
  })

  it('says whether the RAM disk must be ejected first', () => {
    write({ profile: 'mine', profiles: { mine: { extends: 'demo' }, demo: { ramDisk: { sizeMiB: 512 } } } })
    const small = { ...demo(), ramDisk: { ...demo().ramDisk, sizeMiB: 512 } }
    expect(openSettings(files).answer({ name: 'demo', profile: small }).restartNeeded).toEqual([
      { key: 'profile', running: 'demo', configured: 'mine' },
    ])
    write({ profiles: { demo: { ramDisk: { sizeMiB: 512 } } } })
    expect(openSettings(files).answer({ name: 'demo', profile: demo() }).restartNeeded).toEqual([
      { key: 'ramDisk.sizeMiB', running: '256', configured: '512', needsEject: true },
    ])
  })

  it('uses the running profile when none is configured', () => {
    const studio = builtinProfiles(files.runtimeDir)['studio'] ?? demo()
    expect(openSettings(files).answer({ name: 'studio', profile: studio })).toMatchObject({
      profileName: 'studio',
      restartNeeded: [],
    })
  })
})

describe('configure', () => {
  it('replaces the file, keeps it private, and takes effect', () => {
    const settings = openSettings(files)
    const { config, revision } = settings.answer(null)
    expect(settings.configure({ ...config, drainSeconds: 99 }, revision, memoryBytes)).toEqual({
      accepted: true,
    })
    expect(written().drainSeconds).toBe(99)
    expect(statSync(files.configPath).mode & 0o777).toBe(0o600)
    expect(settings.current().drainSeconds).toBe(99)
    expect(settings.answer(null).revision).not.toBe(revision)
  })

  it('changes nothing when the file has changed in the meantime', () => {
    write({ drainSeconds: 1 })
    const settings = openSettings(files)
    const { config, revision } = settings.answer(null)
    write({ drainSeconds: 2 })
    expect(settings.configure({ ...config, drainSeconds: 3 }, revision, memoryBytes)).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('has been changed in the meantime'),
    })
    expect(written().drainSeconds).toBe(2)
  })

  it('notices a file that was created in the meantime', () => {
    const settings = openSettings(files)
    const { config, revision } = settings.answer(null)
    write({})
    expect(settings.configure(config, revision, memoryBytes)).toMatchObject({ accepted: false })
  })

  it('restores a masked key, and stores a new one', () => {
    const mine = (clientKey: string) => ({ extends: 'demo', proxy: { clientKey } })
    write({ profiles: { mine: mine('sk-very-secret'), other: mine('sk-other-secret') } })
    const settings = openSettings(files)
    const { config, revision } = settings.answer(null)
    const profiles = {
      ...config.profiles,
      other: { extends: 'demo', proxy: { clientKey: 'sk-changed-now' } },
    }
    expect(settings.configure({ ...config, profiles }, revision, memoryBytes)).toEqual({ accepted: true })
    expect(written().profiles['mine']?.proxy?.clientKey).toBe('sk-very-secret')
    expect(written().profiles['other']?.proxy?.clientKey).toBe('sk-changed-now')
  })

  it.each<readonly [string, (config: Config) => Config, string]>([
    [
      'a mask where there was no key',
      (config) => ({ ...config, profiles: { copy: { extends: 'demo', proxy: { clientKey: maskedKey } } } }),
      'profiles.copy.proxy.clientKey',
    ],
    ['a profile that is nowhere', (config) => ({ ...config, profile: 'gone' }), 'profile: found "gone"'],
    [
      'two services on one port',
      (config) => ({
        ...config,
        profile: 'bad',
        profiles: { bad: { extends: 'demo', proxy: { port: 8080 } } },
      }),
      'profile bad, proxy.port: found 8080',
    ],
    [
      'a cycle of unused profiles',
      (config) => ({ ...config, profiles: { a: { extends: 'b' }, b: { extends: 'a' } } }),
      'found a cycle',
    ],
    [
      'a RAM disk larger than the memory',
      (config) => ({ ...config, profiles: { demo: { ramDisk: { sizeMiB: 4_194_304 } } } }),
      'ramDisk.sizeMiB: found 4194304',
    ],
  ])('refuses %s with its place, and leaves the file', (_, change, expected) => {
    write({ drainSeconds: 1 })
    const before = readFileSync(files.configPath, 'utf8')
    const settings = openSettings(files)
    const { config, revision } = settings.answer(null)
    expect(settings.configure(change(config), revision, memoryBytes)).toMatchObject({
      accepted: false,
      reason: expect.stringContaining(expected),
    })
    expect(readFileSync(files.configPath, 'utf8')).toBe(before)
  })

  it('repairs a broken file', () => {
    write({ drainSeconds: 5 })
    const settings = openSettings(files)
    settings.answer(null)
    writeFileSync(files.configPath, '{ broken')
    const { config, revision } = settings.answer(null)
    expect(settings.configure(config, revision, memoryBytes)).toEqual({ accepted: true })
    expect(written().drainSeconds).toBe(5)
  })
})
