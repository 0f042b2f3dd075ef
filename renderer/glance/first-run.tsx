// First run: what is missing, one button, and how far its installation is.
import { formatBytes, formatCount } from '../../electron/wording/figures.ts'
import { useHost } from '../guest.ts'
import { Icon } from '../icon.tsx'
import { act, useSnapshot } from '../mirror.ts'
import { startSentence } from '../sentence.ts'

/** `done` and `total` are bytes or things; only a large total can be bytes. */
const formatAmount = (amount: number, total: number): string =>
  total >= 1_000_000 ? formatBytes(amount) : formatCount(amount)

export const FirstRun = () => {
  const setUp = useSnapshot((snapshot) => snapshot.setUp)
  const profile = useSnapshot((snapshot) => snapshot.profile)
  const host = useHost()
  if (setUp === null) return null
  const { missing, running } = setUp
  const { done = null, total = null } = running ?? {}
  return (
    <section className="section first-run" aria-label="Set-up">
      <p className="first-run-intro">
        Nexus brings up a local AI stack for Claude Code: a model server, a Router that speaks Anthropic’s
        API, and a RAM disk for builds.{' '}
        {host === null
          ? 'These parts are installed for it alone, in its own folder:'
          : `These parts are still missing, and only ${host}, whose stack this is, can install them:`}
      </p>
      <ol className="first-run-parts">
        {missing.map(({ id, text }) => (
          <li key={id}>
            <span>{text}</span>
            {id === 'llama-server' && host === null && (
              <button
                type="button"
                className="button-small"
                onClick={() => void act({ type: 'openPage', page: 'llama-server-help' })}
              >
                Other ways…
              </button>
            )}
          </li>
        ))}
      </ol>
      {host === null && (
        <p className="first-run-intro">
          Then it starts with the profile <b>{profile}</b>. You can interrupt it and go on later.
        </p>
      )}
      {running !== null && (
        <div className="set-up-progress">
          <p className="set-up-message">{running.message}</p>
          {done !== null && total !== null && total > 0 && (
            <>
              <progress value={done} max={total} aria-label={running.message} />
              <p className="set-up-amount">
                {formatAmount(done, total)} of {formatAmount(total, total)}
              </p>
            </>
          )}
        </div>
      )}
      <SetUpFailure />
    </section>
  )
}

/** Why it did not come to a running stack: an installation that failed, or after it a start that was refused. */
export const SetUpFailure = () => {
  const failure = useSnapshot(({ setUp }) => (setUp?.running === null ? setUp.failure : null))
  if (failure === null) return null
  return (
    <p className="fit fit-does-not-fit" role="alert">
      <Icon name="failed" />
      <span>{startSentence(failure)}</span>
    </p>
  )
}
