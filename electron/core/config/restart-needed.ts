// Compares the running profile with the one that a start would use now, key by key. Pure.
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import type { SettingsAnswer } from '../../contract/question.ts'

interface NamedProfile {
  readonly name: string
  readonly profile: Profile
}

type Difference = SettingsAnswer['restartNeeded'][number]

/** A different profile counts as one difference: of course its values differ. */
export const compareProfiles = (running: NamedProfile, configured: NamedProfile): readonly Difference[] =>
  running.name === configured.name
    ? compareSections(running.profile, configured.profile)
    : [
        {
          key: 'profile',
          running: running.name,
          configured: configured.name,
          ...ejectedFirst(!isDeepStrictEqual(running.profile.ramDisk, configured.profile.ramDisk)),
        },
      ]

const ejectedFirst = (needsEject: boolean) => (needsEject ? { needsEject } : {})

const compareSections = (running: Profile, configured: Profile): readonly Difference[] => {
  const before = flatten(running)
  const after = flatten(configured)
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const old = before.get(key) ?? notSet
    const value = after.get(key) ?? notSet
    if (old === value) return []
    // Show only that a secret differs, not its value.
    return key === 'proxy.clientKey'
      ? [{ key, running: 'another key', configured: 'the configured key' }]
      : [{ key, running: old, configured: value, ...ejectedFirst(key.startsWith('ramDisk.')) }]
  })
}

/** For keys that may be absent and then have their own default. */
const notSet = 'not set'

const flatten = ({ nodes = [], gateway, ...sections }: Profile): ReadonlyMap<string, string> =>
  new Map([
    ...Object.entries(sections).flatMap(([section, values]) =>
      Object.entries(values).map(([key, value]): [string, string] => [
        `${section}.${key}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
    ['gateway.listen', gateway?.listen ?? 'no gateway'],
    ['gateway.binaryPath', gateway?.binaryPath ?? 'null'],
    ['nodes', JSON.stringify(nodes)],
  ])
