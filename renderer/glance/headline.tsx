// The state in one word, the sentence that a person acts on, and the main button: it starts, cancels or stops everything; with
// agents at work it first says what stopping does to them.
import { type MouseEvent, useState } from 'react'
import { type Command, startCommand, stopCommand } from '../../electron/contract/command.ts'
import { describeWork } from '../../electron/wording/room.ts'
import { startSentence } from '../../electron/wording/sentence.ts'
import { judgeState } from '../../electron/wording/state-words.ts'
import { Button } from '../buttons.tsx'
import { Icon } from '../icon.tsx'
import { chooseMainAction, endsServers, type MainAction } from '../judgement.ts'
import { useEscape } from '../keys.ts'
import { send, useHost, useMirror, useSnapshot } from '../mirror.ts'
import { usePressHold } from '../press-hold.ts'
import { askSettings, useAnswer } from '../use-answer.ts'

export const Headline = () => {
  const { word, mark, ...said } = useMirror(({ app }) => judgeState(app))
  const sentence = startSentence(said.sentence)
  return (
    <header className={`headline mark-${mark}`}>
      <div className="headline-mark">
        <Icon name={mark} />
      </div>
      <div className="headline-words">
        <h1 className="headline-word" tabIndex={-1}>
          {word}
        </h1>
        <Owner />
      </div>
      <MainButton />
      <p className="headline-sentence" role="status" title={sentence}>
        {sentence}
      </p>
    </header>
  )
}

/** The owner of the stack, if another user. */
const Owner = () => {
  const link = useMirror(({ app }) => app?.link ?? null)
  if (link?.kind !== 'attached' || link.user === null) return null
  const words = `${link.user}’s stack, you are a guest`
  return (
    <p className="headline-owner" title={`${words}; its core has pid ${link.pid}`}>
      {words}
    </p>
  )
}

const stopAll = (now: boolean): Command => ({ ...stopCommand(null), now })

const actions: Readonly<
  Record<Exclude<MainAction, 'none'>, { readonly label: string; readonly command: Command }>
> = {
  start: { label: 'Start everything', command: startCommand(null) },
  'cancel-start': { label: 'Cancel start', command: stopAll(false) },
  stop: { label: 'Stop everything', command: stopAll(false) },
  'stop-now': { label: 'Stop now', command: stopAll(true) },
  'set-up': { label: 'Set up and start', command: { ...startCommand(null), setUp: true } },
  'cancel-set-up': { label: 'Cancel set-up', command: stopAll(false) },
}

const MainButton = () => {
  const action = useMirror(({ app }) => chooseMainAction(app))
  const work = useSnapshot(describeWork)
  const [asking, setAsking] = useState(false)
  const [sending, setSending] = useState(false)
  const hold = usePressHold(action === 'none' ? null : action)
  const host = useHost()
  const asks = endsServers(action) && (work !== null || (action === 'stop' && host !== null))
  // Close the question when there is nothing to ask, so that new agents raise it again.
  if (asking && !asks) setAsking(false)
  const isAsking = asking && asks
  useEscape(isAsking ? () => setAsking(false) : null)
  if (action === 'none') return null
  const carryOut = async (command: Command) => {
    setAsking(false)
    setSending(true)
    await send(command)
    setSending(false)
  }
  const press = (event: MouseEvent) => {
    // Ignore a press meant for the previous action: `Cancel start` replaces `Start everything` at once.
    if (event.detail > 1 || sending || hold.isHeld()) return
    if (asks) setAsking(!asking)
    else void carryOut(actions[action].command)
  }
  const isStart = action === 'start' || action === 'set-up'
  return (
    <>
      <button
        type="button"
        className={isStart ? 'button-main button-primary' : 'button-main'}
        // Not `disabled`, which would drop the focus.
        aria-disabled={sending || hold.isShownHeld || undefined}
        aria-expanded={asks ? asking : undefined}
        onClick={press}
      >
        {actions[action].label}
      </button>
      {isAsking && (
        <StopQuestion
          work={work}
          host={host}
          isStopping={action === 'stop-now'}
          onStop={(now) => void carryOut(stopAll(now))}
          onKeep={() => setAsking(false)}
        />
      )}
    </>
  )
}

interface StopQuestionProps {
  /** The work in progress, in a sentence; null: none. */
  readonly work: string | null
  /** The owner of the stack, if another user. */
  readonly host: string | null
  /** A stop is already in progress and waits for running requests. */
  readonly isStopping: boolean
  onStop(now: boolean): void
  onKeep(): void
}

const StopQuestion = ({ work, host, isStopping, onStop, onKeep }: StopQuestionProps) => {
  const drainSeconds = useAnswer(askSettings).answer?.config.drainSeconds ?? null
  const limit = drainSeconds === null ? '' : `, for up to ${drainSeconds} s`
  const offer = isStopping
    ? 'Stop everything without waiting for them?'
    : `Let them finish first${limit}? New requests are refused meanwhile.`
  return (
    <section className="stop-question" aria-label="How to stop">
      <p>
        {host !== null && `This is ${host}’s stack; it stops for everyone. `}
        {work !== null && `${work} ${offer}`}
      </p>
      <div className="button-row">
        {!isStopping && (
          <Button kind="plain" onClick={() => onStop(false)}>
            {work === null ? 'Stop it' : 'Finish, then stop'}
          </Button>
        )}
        {work !== null && (
          <Button kind="danger" onClick={() => onStop(true)}>
            Stop now
          </Button>
        )}
        <Button kind="quiet" onClick={onKeep}>
          {isStopping ? 'Wait' : 'Keep running'}
        </Button>
      </div>
    </section>
  )
}
