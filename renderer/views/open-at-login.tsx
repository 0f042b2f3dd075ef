// System settings: open at login, and whether notifications are shown.
import { act, useMirror } from '../mirror.ts'
import { Check } from './settings-fields.tsx'

export const OpenAtLogin = () => {
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
          <button
            type="button"
            className="button-small"
            onClick={() => void act({ type: 'openPage', page: 'login-items' })}
          >
            Login items…
          </button>
        </div>
      )}
      {refused !== null && (
        <div className="system-note">
          <span>Notifications are not shown: {refused}</span>
          <button
            type="button"
            className="button-small"
            onClick={() => void act({ type: 'openPage', page: 'notification-settings' })}
          >
            Allow…
          </button>
        </div>
      )}
    </>
  )
}
