// Settings: the app's own switches, the config file as a form, and developers' keys.
import { useEffect, useMemo, useState } from 'react'
import type { SettingsAnswer } from '../../electron/contract/question.ts'
import { Button } from '../buttons.tsx'
import { keepSettings, settleSettings, useDrafts } from '../drafts.ts'
import { Fit } from '../fit.tsx'
import { Models } from '../glance/models.tsx'
import { isSame } from '../is-same.ts'
import { act, send, useHost, useMirror, useSnapshot } from '../mirror.ts'
import {
  describeSaving,
  type FormValues,
  judgeForm,
  listOtherProblems,
  readForm,
  rebaseDraft,
} from '../settings-form.ts'
import { askSettings, useAnswer } from '../use-answer.ts'
import { AskedView, ViewHead } from './asked-view.tsx'
import { DeveloperKeys } from './developer-keys.tsx'
import { RestartNeeded } from './restart-needed.tsx'
import { AppFields, Check, GuestFields, ProfileFields } from './settings-fields.tsx'

export const Settings = () => {
  const host = useHost()
  return host === null ? <OwnSettings /> : <GuestSettings host={host} />
}

/** The app's own settings, for a guest of another user's stack. */
const GuestSettings = ({ host }: { readonly host: string }) => (
  <div className="view view-settings">
    <ViewHead title="Settings" />
    <p className="not-known">
      The stack’s settings and keys belong to {host}: ask {host} to change them.
    </p>
    <OpenAtLogin />
    <About />
  </div>
)

const OwnSettings = () => {
  const overall = useSnapshot((snapshot) => snapshot.overall) ?? ''
  const asked = useAnswer(askSettings, overall)
  return (
    <AskedView
      asked={asked}
      title="Settings"
      className="view view-settings"
      note={({ path }) => path}
      awaiting="Reading the settings…"
      below={
        <>
          <Models />
          <DeveloperKeys />
          <About />
        </>
      }
    >
      {(answer) => (
        <>
          {answer.problems.map((problem) => (
            <Fit key={problem} fit="does-not-fit">
              {problem}
            </Fit>
          ))}
          <RestartNeeded differences={answer.restartNeeded} />
          <OpenAtLogin />
          <SettingsForm answer={answer} onSent={asked.again} />
          {answer.machine == null ? null : <p className="not-known">This machine: {answer.machine}</p>}
        </>
      )}
    </AskedView>
  )
}

/** Quit is here for systems that hide the menu-bar icon. */
const About = () => {
  const version = useMirror(({ app }) => app?.version ?? '')
  return (
    <footer className="about">
      <span>Opta Nexus {version}</span>
      <Button onClick={() => void act({ type: 'quit' })}>Quit Nexus…</Button>
    </footer>
  )
}

interface SettingsFormProps {
  readonly answer: SettingsAnswer
  /** Called after saving, accepted or refused: the file must be read again. */
  onSent(): void
}

const SettingsForm = ({ answer, onSent }: SettingsFormProps) => {
  const first = useMemo(() => readForm(answer), [answer])
  const kept = useDrafts(({ settings }) => settings)
  const draft = useMemo(() => (kept === null ? null : rebaseDraft(kept, answer)), [kept, answer])
  useEffect(() => {
    if (draft !== kept) keepSettings(draft)
  }, [draft, kept])
  const values = draft?.values ?? first
  const base = draft?.base ?? first
  const note = draft?.note ?? null
  const [saving, setSaving] = useState(false)
  const [saved, setSaved] = useState(false)
  const judged = useMemo(() => judgeForm(answer, values), [answer, values])
  const changed = !isSame(values, base)
  const change = (part: FormValues) => {
    setSaved(false)
    const { revision, profileName } = answer
    keepSettings({ revision, profileName, base, values: { ...values, ...part }, note })
  }
  const save = async () => {
    if (judged.config === null || saving || !changed) return
    setSaving(true)
    const outcome = await send({ type: 'configure', config: judged.config, revision: answer.revision })
    setSaving(false)
    setSaved(outcome.accepted)
    if (outcome.accepted) settleSettings(values)
    onSent()
  }
  return (
    <form
      aria-label="Settings"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <AppFields values={values} problems={judged.problems} change={change} />
      <ProfileFields answer={answer} values={values} problems={judged.problems} change={change} />
      <GuestFields values={values} problems={judged.problems} change={change} />
      {listOtherProblems(judged.problems).map((problem) => (
        <Fit key={problem} fit="does-not-fit" role="alert">
          {problem}
        </Fit>
      ))}
      {(changed || note !== null || saved) && (
        <div className="save-bar">
          <span role="status">{describeSaving(judged, { changed, note })}</span>
          {(changed || note !== null) && (
            <Button kind="quiet" onClick={() => keepSettings(null)}>
              Revert
            </Button>
          )}
          <Button
            type="submit"
            kind="primary"
            disabled={judged.config === null}
            // Not `disabled`, which would drop the focus.
            aria-disabled={saving || !changed || undefined}
          >
            Save
          </Button>
        </div>
      )}
    </form>
  )
}

/** System settings: open at login, and whether notifications are shown. */
const OpenAtLogin = () => {
  const openAtLogin = useMirror(({ app }) => app?.openAtLogin ?? 'unavailable')
  const refused = useMirror(({ app }) => app?.notificationsRefused ?? null)
  return (
    <>
      <Check
        label={
          openAtLogin === 'unavailable' ? 'Open Nexus at login (not possible here)' : 'Open Nexus at login'
        }
        checked={openAtLogin === 'on' || openAtLogin === 'requires-approval'}
        disabled={openAtLogin === 'unavailable'}
        onChange={(on) => void act({ type: 'openAtLogin', on })}
      />
      {openAtLogin === 'requires-approval' && (
        <div className="system-note">
          <span>macOS needs your approval for this.</span>
          <Button onClick={() => void act({ type: 'openPage', page: 'login-items' })}>Login items…</Button>
        </div>
      )}
      {refused !== null && (
        <div className="system-note">
          <span>Notifications are not shown: {refused}</span>
          <Button onClick={() => void act({ type: 'openPage', page: 'notification-settings' })}>
            Allow…
          </Button>
        </div>
      )}
    </>
  )
}
