// The settings as a form: what its fields say, and the config that they make, judged by the contract's own schema. Pure.
import { type Config, ConfigSchema } from '../electron/contract/config.ts'
import type { Profile } from '../electron/contract/profile.ts'
import type { SettingsAnswer } from '../electron/contract/question.ts'
import { isSame } from './is-same.ts'

/** Which other users may attach; `default` is what the system makes of it. */
export type GuestsChoice = 'default' | 'none' | 'group' | 'everyone'

/** Text as it stands in the fields; what is no valid value is a problem at its field, never corrected silently. */
export interface FormValues {
  /** '' takes the profile that fits the machine. */
  readonly profile: string
  readonly menuBarText: Config['menuBarText']
  readonly startStackAtLaunch: boolean
  readonly notify: boolean
  readonly quiet: boolean
  readonly quietFrom: string
  readonly quietTo: string
  readonly drainSeconds: string
  readonly guests: GuestsChoice
  readonly guestGroup: string
  /** By the field's key. */
  readonly ofProfile: Readonly<Record<string, string>>
}

type Section = keyof Profile

export interface ProfileField {
  readonly section: Section
  readonly name: string
  readonly label: string
  /** '' for text. */
  readonly unit: string
  /** `optional-section`: without a value the profile has nothing of the whole section. */
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

const readGuests = ({ guests }: Config): Pick<FormValues, 'guests' | 'guestGroup'> => {
  if (guests == null) return { guests: 'default', guestGroup: '' }
  return typeof guests === 'string'
    ? { guests, guestGroup: '' }
    : { guests: 'group', guestGroup: guests.group }
}

const buildGuests = ({ guests, guestGroup }: FormValues): Config['guests'] => {
  switch (guests) {
    case 'default':
      return undefined
    case 'none':
    case 'everyone':
      return guests
    case 'group':
      return { group: guestGroup.trim() }
  }
}

export const readForm = ({ config, profile }: SettingsAnswer): FormValues => ({
  profile: config.profile ?? '',
  menuBarText: config.menuBarText,
  startStackAtLaunch: config.startStackAtLaunch,
  notify: config.notifications.enabled,
  quiet: config.notifications.quietHours !== null,
  quietFrom: config.notifications.quietHours?.from ?? '22:00',
  quietTo: config.notifications.quietHours?.to ?? '07:00',
  drainSeconds: String(config.drainSeconds),
  ...readGuests(config),
  ofProfile: Object.fromEntries(profileFields.map((field) => [keyOf(field), readField(profile, field)])),
})

/** What somebody has typed over the settings as they were answered. */
export interface SettingsDraft {
  readonly revision: string
  readonly profileName: string
  /** What the fields said before: what differs from it is theirs. */
  readonly base: FormValues
  readonly values: FormValues
  /** What has become of the draft meanwhile, in one sentence; null: nothing. */
  readonly note: string | null
}

const takeOver = (
  { base, values }: Pick<SettingsDraft, 'base' | 'values'>,
  first: FormValues,
  sameProfile: boolean,
): FormValues => {
  const keep = <Key extends keyof FormValues>(key: Key): FormValues[Key] =>
    values[key] === base[key] ? first[key] : values[key]
  const keepField = (key: string) =>
    values.ofProfile[key] === base.ofProfile[key] ? first.ofProfile[key] : values.ofProfile[key]
  return {
    profile: keep('profile'),
    menuBarText: keep('menuBarText'),
    startStackAtLaunch: keep('startStackAtLaunch'),
    notify: keep('notify'),
    quiet: keep('quiet'),
    quietFrom: keep('quietFrom'),
    quietTo: keep('quietTo'),
    drainSeconds: keep('drainSeconds'),
    guests: keep('guests'),
    guestGroup: keep('guestGroup'),
    ofProfile: sameProfile
      ? Object.fromEntries(profileFields.map(keyOf).map((key) => [key, keepField(key) ?? '']))
      : first.ofProfile,
  }
}

/**
 * The draft on top of the settings as they are answered now: the same one while the file and the profile are those that
 * it was made for; null when nothing of it is left. Another profile's fields are never written into this one.
 */
export const rebaseDraft = (draft: SettingsDraft, answer: SettingsAnswer): SettingsDraft | null => {
  const { revision, profileName } = answer
  const sameProfile = draft.profileName === profileName
  if (draft.revision === revision && sameProfile) return draft
  const base = readForm(answer)
  const values = takeOver(draft, base, sameProfile)
  const isDropped = !sameProfile && !isSame(draft.values.ofProfile, draft.base.ofProfile)
  const isKept = !isSame(values, base)
  if (!isDropped && !isKept) return null
  const note = isDropped
    ? `The fields are ${profileName}’s now; the changes to ${draft.profileName}’s were not saved`
    : draft.revision === revision || isSame(draft.base, base)
      ? draft.note
      : 'The file was changed meanwhile; your changes are kept on top of it'
  return { revision, profileName, base, values, note }
}

const parseField = (text: string, kind: ProfileField['kind']): string | number | null => {
  const trimmed = text.trim()
  if (kind === 'number') return trimmed === '' ? Number.NaN : Number(trimmed)
  return (kind === 'optional-text' || kind === 'optional-section') && trimmed === '' ? null : trimmed
}

/** Which fields are drawn: those of the profile in use; beside another choice only what would be saved with it. */
export const listShownFields = (answer: SettingsAnswer, values: FormValues): readonly ProfileField[] => {
  if (values.profile === (answer.config.profile ?? '') || values.profile === answer.profileName)
    return profileFields
  if (isFileProfile(answer)) return []
  return profileFields.filter(
    (field) => (values.ofProfile[keyOf(field)] ?? '').trim() !== readField(answer.profile, field),
  )
}

/** What runs was started from a file of its own (`--profile ./mine.json`), which the config file does not hold. */
export const isFileProfile = ({ profileName, profileNames }: SettingsAnswer): boolean =>
  !profileNames.includes(profileName)

/**
 * What becomes of speculation, which has no field, with the draft model; null: it stays. The core refuses `draft-simple`
 * without a draft model, and with `none` the model would not be used.
 */
export const followDraftModel = (
  { llamaServer: { draftModelPath, speculation } }: Profile,
  { ofProfile }: Pick<FormValues, 'ofProfile'>,
): 'none' | 'draft-simple' | null => {
  const isDrafted = (ofProfile['llamaServer.draftModelPath'] ?? '').trim() !== ''
  if (!isDrafted) return speculation === 'draft-simple' ? 'none' : null
  return draftModelPath === null && speculation === 'none' ? 'draft-simple' : null
}

const readSection = (own: Readonly<Record<string, unknown>>, section: Section): object => {
  const found = own[section]
  return typeof found === 'object' && found !== null ? found : {}
}

/** Only what differs from the profile in use is written: the rest goes on following the profile it extends. */
const buildProfiles = (answer: SettingsAnswer, values: FormValues): unknown => {
  const { config, profile, profileName } = answer
  const before = config.profiles[profileName]
  let own: Record<string, unknown> | null = null
  for (const field of profileFields) {
    const text = values.ofProfile[keyOf(field)] ?? ''
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
  /** null while something is wrong. */
  readonly config: Config | null
  /** By the place in the config, such as `drainSeconds` or `llamaServer.slots`. */
  readonly problems: Readonly<Record<string, string>>
}

/** The places that have a field to say a problem at. */
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
    profile: values.profile === '' ? null : values.profile,
    // Also when another one is chosen: they are changes to the profile in use.
    profiles: isFileProfile(answer) ? answer.config.profiles : buildProfiles(answer, values),
    menuBarText: values.menuBarText,
    startStackAtLaunch: values.startStackAtLaunch,
    notifications: {
      enabled: values.notify,
      quietHours: values.quiet ? { from: values.quietFrom, to: values.quietTo } : null,
    },
    drainSeconds: parseField(values.drainSeconds, 'number'),
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

/** What stands beside the Save button, which is there while something is changed, or was just saved. */
export const describeSaving = (
  { config }: JudgedForm,
  { changed, note }: { readonly changed: boolean; readonly note: string | null },
): string => {
  if (config === null) return 'Something cannot be used as it is'
  return note ?? (changed ? 'Not saved yet' : 'Saved')
}
