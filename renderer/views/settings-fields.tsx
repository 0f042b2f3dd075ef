// The fields of the settings form, each with its problem.
import { type ReactNode, useId } from 'react'
import type { Config } from '../../electron/contract/config.ts'
import type { SettingsAnswer } from '../../electron/contract/question.ts'
import { unknown } from '../../electron/wording/figures.ts'
import {
  type FormValues,
  followDraftModel,
  isFileProfile,
  keyOf,
  listShownFields,
  profileFields,
} from '../settings-form.ts'

interface FieldsProps {
  readonly values: FormValues
  /** Keyed by the place in the config. */
  readonly problems: Readonly<Record<string, string>>
  change(part: FormValues): void
}

/** What the field at this place in the config shows and does. */
const bind = ({ values, problems, change }: FieldsProps, place: string) => ({
  value: values[place] ?? '',
  problem: problems[place],
  onChange: (text: string) => change({ [place]: text }),
})

const menuBarWords: Readonly<Record<Config['menuBarText'], string>> = {
  none: 'Only the icon',
  slots: 'Busy slots: 3/4',
  'slots-and-speed': 'Slots and speed: 3/4 · 41 t/s',
}

const guestsWords = {
  default: 'Default: group staff on a Mac, else no one',
  none: 'No one',
  group: 'The members of a group',
  everyone: 'Everyone with an account',
}

export const AppFields = (form: FieldsProps) => (
  <>
    <Switch label="Start the stack when Nexus opens" {...bind(form, 'startStackAtLaunch')} />
    <ChoiceField label="Menu bar" choices={menuBarWords} {...bind(form, 'menuBarText')} />
    <fieldset>
      <legend>Notifications</legend>
      <Switch label="Show notifications" {...bind(form, 'notifications.enabled')} />
      <Switch
        label="Quiet hours"
        disabled={form.values['notifications.enabled'] !== 'on'}
        {...bind(form, 'notifications.quietHours')}
      />
      {form.values['notifications.quietHours'] === 'on' && (
        <>
          <TextField label="From" unit="such as 22:00" {...bind(form, 'notifications.quietHours.from')} />
          <TextField label="To" {...bind(form, 'notifications.quietHours.to')} />
        </>
      )}
    </fieldset>
  </>
)

/** Guests may see, start and stop the stack, but never read keys or settings. */
export const GuestFields = (form: FieldsProps) => (
  <fieldset>
    <legend>Other users of this machine</legend>
    <ChoiceField label="May attach" choices={guestsWords} {...bind(form, 'guests')} />
    {form.values['guests'] === 'group' && <TextField label="Group" {...bind(form, 'guests.group')} />}
    <p className="field-note">They see the stack and may start and stop it; keys and settings stay yours.</p>
  </fieldset>
)

export const ProfileFields = ({ answer, ...form }: FieldsProps & { readonly answer: SettingsAnswer }) => {
  const { values } = form
  const isFile = isFileProfile(answer)
  const shown = listShownFields(answer, values)
  const isAll = shown.length === profileFields.length
  const speculation = isFile ? null : followDraftModel(answer.profile, values)
  return (
    <fieldset>
      <legend>Stack</legend>
      <ChoiceField
        label="Profile"
        choices={{
          '': `automatic: ${answer.automaticProfileName ?? unknown}`,
          ...Object.fromEntries(answer.profileNames.map((name) => [name, name])),
        }}
        {...bind(form, 'profile')}
      />
      {isAll && isFile && (
        <p className="field-note">
          These values come from the profile’s own file: edit <code>{answer.profileName}</code>
        </p>
      )}
      {!isAll && <p className="not-known">Its ports, sizes and slots are shown once it is saved.</p>}
      {!isAll && shown.length > 0 && (
        <p className="field-note">
          These changes belong to <b>{answer.profileName}</b> and are saved there:
        </p>
      )}
      {shown.map((field) => (
        <TextField
          readOnly={isFile}
          key={keyOf(field)}
          label={field.label}
          unit={field.unit}
          wide={field.kind !== 'number'}
          placeholder={field.kind.startsWith('optional') ? 'none' : ''}
          {...bind(form, keyOf(field))}
        />
      ))}
      {isAll && speculation !== null && <p className="field-note">{speculationWords[speculation]}</p>}
      <TextField label="Drain" unit="s for agents to finish" {...bind(form, 'drainSeconds')} />
    </fieldset>
  )
}

const speculationWords = {
  none: 'Without a draft model nothing is drafted: speculation is saved as none.',
  'draft-simple': 'With a draft model tokens are drafted: speculation is saved as draft-simple.',
} as const

interface BoundProps {
  readonly label: string
  readonly value: string
  onChange(text: string): void
}

interface ChoiceFieldProps extends BoundProps {
  /** The words for each value. */
  readonly choices: Readonly<Record<string, string>>
}

const ChoiceField = ({ label, choices, value, onChange }: ChoiceFieldProps) => (
  <label className="field">
    <span>{label}</span>
    <select value={value} onChange={(event) => onChange(event.target.value)}>
      {Object.entries(choices).map(([choice, words]) => (
        <option key={choice} value={choice}>
          {words}
        </option>
      ))}
    </select>
  </label>
)

const Switch = ({ value, onChange, ...shown }: BoundProps & { readonly disabled?: boolean }) => (
  <Check {...shown} checked={value === 'on'} onChange={(on) => onChange(on ? 'on' : '')} />
)

interface TextFieldProps extends BoundProps {
  readonly unit?: string
  readonly problem: string | undefined
  readonly wide?: boolean
  readonly placeholder?: string
  readonly readOnly?: boolean
}

const TextField = ({ label, unit = '', problem, wide = false, onChange, ...input }: TextFieldProps) => {
  const problemId = useId()
  return (
    <div className={wide ? 'field field-wide' : 'field'}>
      <label>
        <span>{label}</span>
        <input
          type="text"
          spellCheck={false}
          {...input}
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : problemId}
          onChange={(event) => onChange(event.target.value)}
        />
      </label>
      {unit !== '' && <span className="field-unit">{unit}</span>}
      {problem !== undefined && (
        <p className="field-problem" id={problemId} role="alert">
          {problem}
        </p>
      )}
    </div>
  )
}

interface CheckProps {
  readonly label: ReactNode
  readonly checked: boolean
  readonly disabled?: boolean
  onChange(checked: boolean): void
}

export const Check = ({ label, checked, disabled = false, onChange }: CheckProps) => (
  <label className="check">
    <input
      type="checkbox"
      checked={checked}
      disabled={disabled}
      onChange={(event) => onChange(event.target.checked)}
    />
    {label}
  </label>
)
