// The fields of the settings form, each with its problem.
import { type ReactNode, useId } from 'react'
import { ConfigSchema } from '../../electron/contract/config.ts'
import type { SettingsAnswer } from '../../electron/contract/question.ts'
import { unknown } from '../../electron/wording/figures.ts'
import {
  type FormValues,
  followDraftModel,
  type GuestsChoice,
  isFileProfile,
  keyOf,
  listShownFields,
  profileFields,
} from '../settings-form.ts'

interface FieldsProps {
  readonly values: FormValues
  /** Keyed by the place in the config. */
  readonly problems: Readonly<Record<string, string>>
  change(part: Partial<FormValues>): void
}

const menuBarWords: Readonly<Record<FormValues['menuBarText'], string>> = {
  none: 'Only the icon',
  slots: 'Busy slots: 3/4',
  'slots-and-speed': 'Slots and speed: 3/4 · 41 t/s',
}

const menuBarTexts = ConfigSchema.shape.menuBarText.unwrap().options

const guestsWords: Readonly<Record<GuestsChoice, string>> = {
  default: 'Default: group staff on a Mac, else no one',
  none: 'No one',
  group: 'The members of a group',
  everyone: 'Everyone with an account',
}

const guestsChoices: readonly GuestsChoice[] = ['default', 'none', 'group', 'everyone']

export const AppFields = ({ values, problems, change }: FieldsProps) => (
  <>
    <Check
      label="Start the stack when Nexus opens"
      checked={values.startStackAtLaunch}
      onChange={(startStackAtLaunch) => change({ startStackAtLaunch })}
    />
    <ChoiceField
      label="Menu bar"
      choices={menuBarTexts}
      words={menuBarWords}
      value={values.menuBarText}
      onChange={(menuBarText) => change({ menuBarText })}
    />
    <fieldset>
      <legend>Notifications</legend>
      <Check label="Show notifications" checked={values.notify} onChange={(notify) => change({ notify })} />
      <Check
        label="Quiet hours"
        checked={values.quiet}
        disabled={!values.notify}
        onChange={(quiet) => change({ quiet })}
      />
      {values.quiet && (
        <>
          <TextField
            label="From"
            unit="such as 22:00"
            value={values.quietFrom}
            problem={problems['notifications.quietHours.from']}
            onChange={(quietFrom) => change({ quietFrom })}
          />
          <TextField
            label="To"
            unit=""
            value={values.quietTo}
            problem={problems['notifications.quietHours.to']}
            onChange={(quietTo) => change({ quietTo })}
          />
        </>
      )}
    </fieldset>
  </>
)

/** Guests may see, start and stop the stack, but never read keys or settings. */
export const GuestFields = ({ values, problems, change }: FieldsProps) => (
  <fieldset>
    <legend>Other users of this machine</legend>
    <ChoiceField
      label="May attach"
      choices={guestsChoices}
      words={guestsWords}
      value={values.guests}
      onChange={(guests) => change({ guests })}
    />
    {values.guests === 'group' && (
      <TextField
        label="Group"
        unit=""
        value={values.guestGroup}
        problem={problems['guests.group']}
        onChange={(guestGroup) => change({ guestGroup })}
      />
    )}
    <p className="field-note">They see the stack and may start and stop it; keys and settings stay yours.</p>
  </fieldset>
)

interface ProfileFieldsProps extends FieldsProps {
  readonly answer: SettingsAnswer
}

export const ProfileFields = ({ answer, values, problems, change }: ProfileFieldsProps) => {
  const isFile = isFileProfile(answer)
  const shown = listShownFields(answer, values)
  const isAll = shown.length === profileFields.length
  const speculation = isFile ? null : followDraftModel(answer.profile, values)
  return (
    <fieldset>
      <legend>Stack</legend>
      <label className="field">
        <span>Profile</span>
        <select value={values.profile} onChange={(event) => change({ profile: event.target.value })}>
          <option value="">automatic: {answer.automaticProfileName ?? unknown}</option>
          {answer.profileNames.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
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
          value={values.ofProfile[keyOf(field)] ?? ''}
          problem={problems[keyOf(field)]}
          onChange={(text) => change({ ofProfile: { ...values.ofProfile, [keyOf(field)]: text } })}
        />
      ))}
      {isAll && speculation !== null && <p className="field-note">{speculationWords[speculation]}</p>}
      <TextField
        label="Drain"
        unit="s for agents to finish"
        value={values.drainSeconds}
        problem={problems['drainSeconds']}
        onChange={(drainSeconds) => change({ drainSeconds })}
      />
    </fieldset>
  )
}

const speculationWords = {
  none: 'Without a draft model nothing is drafted: speculation is saved as none.',
  'draft-simple': 'With a draft model tokens are drafted: speculation is saved as draft-simple.',
} as const

interface ChoiceFieldProps<T extends string> {
  readonly label: string
  readonly choices: readonly T[]
  readonly words: Readonly<Record<T, string>>
  readonly value: T
  onChange(choice: T): void
}

const ChoiceField = <T extends string>({ label, choices, words, value, onChange }: ChoiceFieldProps<T>) => (
  <label className="field">
    <span>{label}</span>
    <select
      value={value}
      onChange={(event) => {
        const chosen = choices.find((choice) => choice === event.target.value)
        if (chosen !== undefined) onChange(chosen)
      }}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {words[choice]}
        </option>
      ))}
    </select>
  </label>
)

interface TextFieldProps {
  readonly label: string
  readonly unit: string
  readonly value: string
  readonly problem: string | undefined
  readonly wide?: boolean
  readonly placeholder?: string
  readonly readOnly?: boolean
  onChange(text: string): void
}

const TextField = ({
  label,
  unit,
  value,
  problem,
  wide = false,
  placeholder = '',
  readOnly = false,
  onChange,
}: TextFieldProps) => {
  const problemId = useId()
  return (
    <div className={wide ? 'field field-wide' : 'field'}>
      <label>
        <span>{label}</span>
        <input
          type="text"
          spellCheck={false}
          placeholder={placeholder}
          readOnly={readOnly}
          value={value}
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
