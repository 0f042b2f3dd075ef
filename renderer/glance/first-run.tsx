// First run: the missing parts, one button, and the progress of the installation.
import { formatBytes, formatCount } from '../../electron/wording/figures.ts'
import { startSentence } from '../../electron/wording/sentence.ts'
import { Button } from '../buttons.tsx'
import { Fit } from '../fit.tsx'
import { act, useHost, useSnapshot } from '../mirror.ts'

/** Amounts are bytes or items; only a large total can be bytes. */
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
        Nexus runs a local AI stack for Claude Code: a model server, a Router that speaks Anthropic’s API, and
        a RAM disk for builds.{' '}
        {host === null
          ? 'It installs these parts in its own folder, for itself alone:'
          : `These parts are still missing; only ${host}, who owns this stack, can install them:`}
      </p>
      <ol className="first-run-parts">
        {missing.map(({ id, text }) => (
          <li key={id}>
            <span>{text}</span>
            {id === 'llama-server' && host === null && (
              <Button onClick={() => void act({ type: 'openPage', page: 'llama-server-help' })}>
                Other ways…
              </Button>
            )}
          </li>
        ))}
      </ol>
      {host === null && (
        <p className="first-run-intro">
          Then it starts with the profile <b>{profile}</b>. You can interrupt it and continue later.
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

/** Why set-up did not lead to a running stack: the installation failed, or the start after it was refused. */
export const SetUpFailure = () => {
  const failure = useSnapshot(({ setUp }) => (setUp?.running === null ? setUp.failure : null))
  if (failure === null) return null
  return (
    <Fit fit="does-not-fit" role="alert">
      {startSentence(failure)}
    </Fit>
  )
}
