// The settings form: field values, and the config that they make, validated by the contract's schema. Pure.
import { type Config, ConfigSchema } from '../electron/contract/config.ts'
import type { Profile } from '../electron/contract/profile.ts'
import type { SettingsAnswer } from '../electron/contract/question.ts'
import { isSame } from './is-same.ts'

/**
 * The raw text of each field by its place in the config, and by its place in the profile for those of the profile in use. A switch
 * is 'on' or ''. An invalid value is a problem at its field, never corrected silently.
 */
export type FormValues = Readonly<Record<string, string>>

type Section = keyof Profile

export interface ProfileField {
  readonly section: Section
  readonly name: string
  readonly label: string
  /** '' for text. */
  readonly unit: string
  /** `optional-section`: without a value the profile lacks the whole section. */
  readonly kind: 'number' | 'text' | 'optional-text' | 'optional-section'
}

const number = (section: Section, name: string, label: string, unit: string): ProfileField => ({
  section,
  name,
  label,
  unit,
  kind: 'number',
})

export const profileFields: readonly ProfileField[] = [
  number('llamaServer', 'slots', 'Slots', 'agents at once'),
  number('llamaServer', 'contextTokens', 'Context', 'tokens, all slots'),
  number('llamaServer', 'port', 'Engine port', ''),
  number('proxy', 'port', 'Router port', ''),
  number('ramDisk', 'sizeMiB', 'Forge size', 'MiB'),
  { section: 'gateway', name: 'listen', label: 'Gateway', unit: 'such as :80', kind: 'optional-section' },
  { section: 'llamaServer', name: 'modelPath', label: 'Model', unit: '', kind: 'text' },
  { section: 'llamaServer', name: 'draftModelPath', label: 'Draft model', unit: '', kind: 'optional-text' },
]

export const keyOf = ({ section, name }: ProfileField): string => `${section}.${name}`

const readField = (profile: Profile, { section, name }: ProfileField): string => {
  const found = Object.entries(profile[section] ?? {}).find(([key]) => key === name)?.[1]
  return found == null ? '' : String(found)
}

const buildGuests = (values: FormValues): unknown => {
  if (values['guests'] === 'default') return undefined
  return values['guests'] === 'group' ? { group: values['guests.group']?.trim() } : values['guests']
}

const textOf = (isOn: boolean): string => (isOn ? 'on' : '')

export const readForm = ({ config, profile }: SettingsAnswer): FormValues => {
  const { notifications, guests = null } = config
  const { quietHours } = notifications
  return {
    // '' picks the profile that fits the machine.
    profile: config.profile ?? '',
    menuBarText: config.menuBarText,
    startStackAtLaunch: textOf(config.startStackAtLaunch),
    'notifications.enabled': textOf(notifications.enabled),
    'notifications.quietHours': textOf(quietHours !== null),
    'notifications.quietHours.from': quietHours?.from ?? '22:00',
    'notifications.quietHours.to': quietHours?.to ?? '07:00',
    drainSeconds: String(config.drainSeconds),
    // 'default' depends on the system.
    guests: typeof guests === 'string' ? guests : guests === null ? 'default' : 'group',
    'guests.group': typeof guests === 'string' ? '' : (guests?.group ?? ''),
    ...Object.fromEntries(profileFields.map((field) => [keyOf(field), readField(profile, field)])),
  }
}

/** Unsaved changes to the settings that the core answered. */
export interface SettingsDraft {
  readonly revision: string
  readonly profileName: string
  /** The fields before the changes. */
  readonly base: FormValues
  readonly values: FormValues
  /** What happened to the draft meanwhile, in one sentence; null: nothing. */
  readonly note: string | null
}

/**
 * Rebases the draft onto the latest answer. Returns the same draft if file and profile are unchanged, and null when
 * nothing of it is left. Never writes another profile's fields into this one.
 */
export const rebaseDraft = (draft: SettingsDraft, answer: SettingsAnswer): SettingsDraft | null => {
  const { revision, profileName } = answer
  const sameProfile = draft.profileName === profileName
  if (draft.revision === revision && sameProfile) return draft
  const base = readForm(answer)
  const isOfProfile = (key: string) => profileFields.some((field) => keyOf(field) === key)
  const changed = Object.entries(draft.values).filter(([key, text]) => text !== draft.base[key])
  const values = {
    ...base,
    ...Object.fromEntries(changed.filter(([key]) => sameProfile || !isOfProfile(key))),
  }
  const isDropped = !sameProfile && changed.some(([key]) => isOfProfile(key))
  const isKept = !isSame(values, base)
  if (!isDropped && !isKept) return null
  const note = isDropped
    ? `The fields now show ${profileName}; the changes to ${draft.profileName} were not saved`
    : draft.revision === revision || isSame(draft.base, base)
      ? draft.note
      : 'The file has changed meanwhile; your changes are kept on top of it'
  return { revision, profileName, base, values, note }
}

const parseField = (text: string, kind: ProfileField['kind']): string | number | null => {
  const trimmed = text.trim()
  if (kind === 'number') return trimmed === '' ? Number.NaN : Number(trimmed)
  return (kind === 'optional-text' || kind === 'optional-section') && trimmed === '' ? null : trimmed
}

/** Fields to draw: all of the profile in use; with another profile chosen, only the changes that would be saved too. */
export const listShownFields = (answer: SettingsAnswer, values: FormValues): readonly ProfileField[] => {
  if (values['profile'] === (answer.config.profile ?? '') || values['profile'] === answer.profileName)
    return profileFields
  if (isFileProfile(answer)) return []
  return profileFields.filter(
    (field) => (values[keyOf(field)] ?? '').trim() !== readField(answer.profile, field),
  )
}

/** Whether the running profile comes from its own file (`--profile ./mine.json`) and so isn't in the config file. */
export const isFileProfile = ({ profileName, profileNames }: SettingsAnswer): boolean =>
  !profileNames.includes(profileName)

/**
 * The value of `speculation`, which has no field, that follows from the draft model; null: unchanged. The core refuses
 * `draft-simple` without a draft model, and with `none` the model would not be used.
 */
export const followDraftModel = (
  { llamaServer: { draftModelPath, speculation } }: Profile,
  values: FormValues,
): 'none' | 'draft-simple' | null => {
  const isDrafted = (values['llamaServer.draftModelPath'] ?? '').trim() !== ''
  if (!isDrafted) return speculation === 'draft-simple' ? 'none' : null
  return draftModelPath === null && speculation === 'none' ? 'draft-simple' : null
}

const readSection = (own: Readonly<Record<string, unknown>>, section: Section): object => {
  const found = own[section]
  return typeof found === 'object' && found !== null ? found : {}
}

/** Writes only differences from the profile in use: the rest keeps following the profile that it extends. */
const buildProfiles = (answer: SettingsAnswer, values: FormValues): unknown => {
  const { config, profile, profileName } = answer
  const before = config.profiles[profileName]
  let own: Record<string, unknown> | null = null
  for (const field of profileFields) {
    const text = values[keyOf(field)] ?? ''
    if (text.trim() === readField(profile, field)) continue
    own ??= { ...before }
    const value = parseField(text, field.kind)
    own[field.section] =
      field.kind === 'optional-section' && value === null
        ? null
        : { ...readSection(own, field.section), [field.name]: value }
  }
  const speculation = followDraftModel(profile, values)
  if (speculation !== null) {
    own ??= { ...before }
    own['llamaServer'] = { ...readSection(own, 'llamaServer'), speculation }
  }
  return own === null ? config.profiles : { ...config.profiles, [profileName]: own }
}

export interface JudgedForm {
  /** null while a value is invalid. */
  readonly config: Config | null
  /** Keyed by the place in the config, such as `drainSeconds` or `llamaServer.slots`. */
  readonly problems: Readonly<Record<string, string>>
}

/** The places with a field that can show a problem. */
const fieldPlaces: ReadonlySet<string> = new Set([
  ...profileFields.map(keyOf),
  'notifications.quietHours.from',
  'notifications.quietHours.to',
  'drainSeconds',
  'guests.group',
])

/** Problems without a field, one sentence each. */
export const listOtherProblems = (problems: JudgedForm['problems']): readonly string[] =>
  Object.entries(problems).flatMap(([place, problem]) =>
    fieldPlaces.has(place) ? [] : [place === '' ? problem : `${place}: ${problem}`],
  )

export const judgeForm = (answer: SettingsAnswer, values: FormValues): JudgedForm => {
  const candidate = {
    ...answer.config,
    profile: values['profile'] === '' ? null : values['profile'],
    // Even if another profile is chosen: these are changes to the profile in use.
    profiles: isFileProfile(answer) ? answer.config.profiles : buildProfiles(answer, values),
    menuBarText: values['menuBarText'],
    startStackAtLaunch: values['startStackAtLaunch'] === 'on',
    notifications: {
      enabled: values['notifications.enabled'] === 'on',
      quietHours:
        values['notifications.quietHours'] === 'on'
          ? { from: values['notifications.quietHours.from'], to: values['notifications.quietHours.to'] }
          : null,
    },
    drainSeconds: parseField(values['drainSeconds'] ?? '', 'number'),
    guests: buildGuests(values),
  }
  const parsed = ConfigSchema.safeParse(candidate)
  if (parsed.success) return { config: parsed.data, problems: {} }
  return {
    config: null,
    problems: Object.fromEntries(
      parsed.error.issues.map(({ path, message }) => {
        const place = path.map(String)
        return [(place[0] === 'profiles' ? place.slice(2) : place).join('.'), message]
      }),
    ),
  }
}

/** The text beside the Save button, which is shown while there are changes, or right after saving. */
export const describeSaving = (
  { config }: JudgedForm,
  { changed, note }: { readonly changed: boolean; readonly note: string | null },
): string => {
  if (config === null) return 'Some values are invalid'
  return note ?? (changed ? 'Not saved yet' : 'Saved')
}
