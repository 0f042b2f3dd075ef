// The settings form writes only changes, and shows each problem at its field.
import { expect, test } from 'vitest'
import type { Config } from '../electron/contract/config.ts'
import type { Profile } from '../electron/contract/profile.ts'
// biome-ignore lint/style/noRestrictedImports: what the form writes has to be what the core takes
import { judgeProfile } from '../electron/core/config/config.ts'
// biome-ignore lint/style/noRestrictedImports: the same
import { chooseProfile } from '../electron/core/config/profiles.ts'
import {
  describeSaving,
  judgeForm,
  keyOf,
  listOtherProblems,
  listShownFields,
  profileFields,
  readForm,
  rebaseDraft,
  type SettingsDraft,
} from './settings-form.ts'
import { sampleAnswers } from './test-support/sample-answers.ts'
import { sampleStates } from './test-support/sample-states.ts'

const { settings } = sampleAnswers(sampleStates.busy)
const form = readForm(settings)
const change = (key: string, text: string) => ({ ...form, [key]: text })

test('nothing changed is the same config', () => {
  expect(judgeForm(settings, form)).toEqual({ config: settings.config, problems: {} })
})

test('a changed field goes into the profile in use, beside its other values', () => {
  const { config } = judgeForm(settings, change('llamaServer.port', '8081'))
  expect(config?.profiles).toEqual({ studio: { llamaServer: { slots: 4, port: 8081 } } })
  expect(judgeForm(settings, change('ramDisk.sizeMiB', ' 1024 ')).config?.profiles).toEqual({
    studio: { llamaServer: { slots: 4 }, ramDisk: { sizeMiB: 1024 } },
  })
})

const draftModel = 'llamaServer.draftModelPath'
const judgedByCore = (config: Config | null): readonly string[] => {
  if (config === null) throw new Error('it can be saved')
  return judgeProfile(chooseProfile(config, 'studio', '/nowhere').profile, 256 * 1024 ** 3)
}

test('an emptied draft model means none, and no drafting: the core accepts it', () => {
  const { config } = judgeForm(settings, change(draftModel, ''))
  expect(config?.profiles['studio']).toEqual({
    llamaServer: { slots: 4, draftModelPath: null, speculation: 'none' },
  })
  expect(judgedByCore(config)).toEqual([])
})

test('a new draft model turns drafting on, and any other speculation stays', () => {
  const { llamaServer, ...others } = settings.profile
  const withModel = (draftModelPath: string | null, speculation: Profile['llamaServer']['speculation']) => ({
    ...settings,
    profile: { ...others, llamaServer: { ...llamaServer, draftModelPath, speculation } },
  })
  const without = withModel(null, 'none')
  expect(judgeForm(without, readForm(without)).config).toEqual(settings.config)
  const { config } = judgeForm(without, change(draftModel, '/models/draft.gguf'))
  expect(config?.profiles['studio']?.llamaServer).toMatchObject({
    draftModelPath: '/models/draft.gguf',
    speculation: 'draft-simple',
  })
  expect(judgedByCore(config)).toEqual([])
  const ngram = judgeForm(withModel('/models/draft.gguf', 'ngram-mod'), change(draftModel, ''))
  expect(ngram.config?.profiles['studio']?.llamaServer).not.toHaveProperty('speculation')
})

test.each([
  ['llamaServer.port', '70000', /65535/],
  ['llamaServer.port', '', /a TCP port/],
  ['llamaServer.slots', 'four', /from 1 to 64/],
  ['llamaServer.slots', '4.5', /a whole number/],
  ['llamaServer.modelPath', 'model.gguf', /absolute path/],
])('%s "%s" is refused at its field', (key, text, problem) => {
  const judged = judgeForm(settings, change(key, text))
  expect(judged.config).toBeNull()
  expect(judged.problems[key]).toMatch(problem)
})

test('quiet hours are a time of day', () => {
  const judged = judgeForm(settings, change('notifications.quietHours.from', '25:00'))
  expect(judged.problems).toEqual({
    'notifications.quietHours.from': expect.stringContaining('00:00 to 23:59'),
  })
  expect(
    judgeForm(settings, change('notifications.quietHours', '')).config?.notifications.quietHours,
  ).toBeNull()
})

test('choosing another profile saves earlier changes in the profile that they were made for', () => {
  const { config } = judgeForm(settings, { ...change('llamaServer.slots', '9'), profile: 'demo' })
  expect(config).toMatchObject({ profile: 'demo', profiles: { studio: { llamaServer: { slots: 9 } } } })
  expect(judgeForm(settings, { ...form, profile: 'demo' }).config?.profiles).toEqual(settings.config.profiles)
})

test('with another profile chosen, the changed fields stay visible, with their problems', () => {
  const names = (values: typeof form) => listShownFields(settings, values).map(keyOf)
  expect(names({ ...form, profile: 'demo' })).toEqual([])
  expect(names({ ...change('llamaServer.port', '70000'), profile: 'demo' })).toEqual(['llamaServer.port'])
  expect(names({ ...form, profile: 'studio' })).toHaveLength(profileFields.length)
})

test('with a profile from a file, everything but its fields is saved', () => {
  const ofFile = { ...settings, profileName: './mine.json' }
  const judged = judgeForm(ofFile, { ...change('llamaServer.slots', '9'), drainSeconds: '60' })
  expect(judged).toEqual({ config: { ...settings.config, drainSeconds: 60 }, problems: {} })
})

test('a problem without a field is shown too', () => {
  const odd = { ...settings, profileNames: ['No name'], profileName: 'No name' }
  const { config, problems } = judgeForm(odd, change('llamaServer.slots', '9'))
  expect(config).toBeNull()
  expect(listOtherProblems(problems)).toHaveLength(1)
  expect(
    listOtherProblems({ drainSeconds: 'a number', metricsPort: 'a TCP port', '': 'Invalid key' }),
  ).toEqual(['metricsPort: a TCP port', 'Invalid key'])
})

test('a gateway is the address where it listens, and none without one', () => {
  const { config } = judgeForm(settings, change('gateway.listen', ':80'))
  expect(config?.profiles['studio']).toMatchObject({ gateway: { listen: ':80' } })
  const gateway = { listen: ':80', binaryPath: '/opt/traefik' }
  const profiles = { studio: { gateway } }
  const given = {
    ...settings,
    config: { ...settings.config, profiles },
    profile: { ...settings.profile, gateway },
  }
  const shown = readForm(given)
  expect(shown['gateway.listen']).toBe(':80')
  expect(judgeForm(given, shown).config?.profiles).toEqual(profiles)
  const moved = { ...shown, 'gateway.listen': ':8000' }
  expect(judgeForm(given, moved).config?.profiles).toEqual({
    studio: { gateway: { ...gateway, listen: ':8000' } },
  })
  const none = { ...shown, 'gateway.listen': '' }
  expect(judgeForm(given, none).config?.profiles).toEqual({ studio: { gateway: null } })
  const wrong = judgeForm(settings, change('gateway.listen', '80'))
  expect(wrong.config).toBeNull()
  expect(wrong.problems['gateway.listen']).toContain('such as :80')
})

test.each([
  [{ guests: 'default' }, undefined],
  [{ guests: 'none' }, 'none'],
  [{ guests: 'everyone' }, 'everyone'],
  [{ guests: 'group', 'guests.group': ' developers ' }, { group: 'developers' }],
] as const)('guests by %j', (choice, guests) => {
  const { config } = judgeForm(settings, { ...form, ...choice })
  expect(config?.guests).toEqual(guests)
  if (config === null) throw new Error('it can be saved')
  expect(readForm({ ...settings, config })).toMatchObject({ guests: choice.guests })
})

test('a group without a name is refused at its field', () => {
  const judged = judgeForm(settings, { ...form, guests: 'group', 'guests.group': '' })
  expect(judged.config).toBeNull()
  expect(judged.problems['guests.group']).toMatch(/name of a group/)
})

const draftOf = (values: SettingsDraft['values']): SettingsDraft => ({
  revision: settings.revision,
  profileName: settings.profileName,
  base: form,
  values,
  note: null,
})

test('a draft stays the same while file and profile do', () => {
  const draft = draftOf(change('llamaServer.port', '8081'))
  expect(rebaseDraft(draft, { ...settings, restartNeeded: [] })).toBe(draft)
})

test('changes are kept on top of a file that was changed meanwhile, with a note', () => {
  const draft = draftOf({ ...change('llamaServer.port', '8081'), 'notifications.enabled': '' })
  const theirs = {
    ...settings,
    revision: 'sha256-9a9a',
    config: { ...settings.config, drainSeconds: 90 },
    profile: { ...settings.profile, proxy: { ...settings.profile.proxy, port: 4100 } },
  }
  const rebased = rebaseDraft(draft, theirs)
  expect(rebased).toMatchObject({ revision: 'sha256-9a9a', base: readForm(theirs) })
  expect(rebased?.note).toContain('your changes are kept')
  expect(rebased?.values).toMatchObject({
    'notifications.enabled': '',
    drainSeconds: '90',
    'notifications.quietHours.from': '22:00',
  })
  expect(rebased?.values).toMatchObject({ 'llamaServer.port': '8081', 'proxy.port': '4100' })
})

test('a draft that was saved, or that the file matches by now, is gone', () => {
  const saved = { ...settings, revision: 'sha256-9a9a', config: { ...settings.config, drainSeconds: 60 } }
  expect(rebaseDraft(draftOf({ ...form, drainSeconds: '60' }), saved)).toBeNull()
  const settled = { ...draftOf({ ...form, drainSeconds: ' 60 ' }), base: { ...form, drainSeconds: ' 60 ' } }
  expect(rebaseDraft(settled, saved)).toBeNull()
})

test('changes to one profile are never written into another', () => {
  const draft = draftOf({ ...change('llamaServer.port', '8081'), drainSeconds: '60' })
  const other = {
    ...settings,
    profileName: 'demo',
    profile: { ...settings.profile, proxy: { ...settings.profile.proxy, port: 4444 } },
  }
  const rebased = rebaseDraft(draft, other)
  expect(rebased?.values).toEqual({ ...readForm(other), drainSeconds: '60' })
  expect(rebased?.note).toContain('studio were not saved')
  expect(rebaseDraft(draftOf({ ...form, drainSeconds: '60' }), other)?.note).toBeNull()
})

test('says what was saved', () => {
  const judged = judgeForm(settings, form)
  expect(describeSaving(judged, { changed: true, note: null })).toBe('Not saved yet')
  expect(describeSaving(judged, { changed: false, note: null })).toBe('Saved')
  expect(describeSaving({ ...judged, config: null }, { changed: true, note: null })).toContain('invalid')
})
