// One service's log (its tail, then each new line) with follow, filter and copy, and the buttons for that service.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { type Command, startCommand, stopCommand } from '../../electron/contract/command.ts'
import { refuseLogs } from '../../electron/contract/guest-rights.ts'
import { type LogId, type ServiceId, serviceIds, serviceNames } from '../../electron/contract/service-ids.ts'
import { readService } from '../../electron/contract/services.ts'
import type { Snapshot } from '../../electron/contract/snapshot.ts'
import { plural } from '../../electron/wording/figures.ts'
import { AskingButton, CopyButton } from '../buttons.tsx'
import { keepLogFilter, useDrafts } from '../drafts.ts'
import { appendLines, filterLines, joinTail, judgeLine, type LogLine, mostLogLines } from '../log-lines.ts'
import { act, send, showCoreLog, showView, useHost, useMirror, useRefusal, useSnapshot } from '../mirror.ts'
import { logAt } from '../place.ts'
import { describeWorkLoss, ejectForge, ejectLoss } from '../service-words.ts'
import { askLogTail } from '../use-answer.ts'
import { ViewHead } from './asked-view.tsx'

const pages = [...serviceIds, 'core'] as const
const pageNames: Readonly<Record<(typeof pages)[number], string>> = { ...serviceNames, core: 'Nexus' }

export const Logs = () => {
  const shown = useMirror(logAt)
  const host = useHost()
  const hasGateway = useSnapshot(({ services }) => services.gateway !== undefined) ?? false
  const choose = (id: (typeof pages)[number]) =>
    id === 'core' ? showCoreLog() : showView({ id: 'logs', service: id })
  return (
    <div className="view view-logs">
      <ViewHead title="Logs" />
      <div className="choices">
        {pages
          .filter((id) => id !== 'gateway' || hasGateway)
          .map((id) => (
            <button
              key={id}
              type="button"
              className="choice"
              aria-pressed={id === shown}
              onClick={() => choose(id)}
            >
              {pageNames[id]}
            </button>
          ))}
      </div>
      {shown !== 'core' && <ServiceControls id={shown} />}
      {shown === 'ramDisk' ? (
        <p className="not-known">The {serviceNames.ramDisk} has no process and so no log.</p>
      ) : host === null ? (
        <LogPanel key={shown} log={shown} />
      ) : (
        <p className="not-known">{refuseLogs(host)}</p>
      )}
    </div>
  )
}

/** Less than a line; on a scaled screen, sizes are fractions of a pixel. */
const mostPxFromBottom = 8

/** Works for wheel, keyboard and scrollbar: scrolling up stops following, returning to the end resumes it. */
const isAtBottom = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean =>
  scrollHeight - scrollTop - clientHeight < mostPxFromBottom

const LogPanel = ({ log }: { readonly log: LogId }) => {
  const { lines, failure } = useLog(log)
  const filter = useDrafts(({ logFilters }) => logFilters[log] ?? '')
  const [follows, setFollows] = useState(true)
  const shown = useMemo(() => filterLines(lines, filter), [lines, filter])
  const box = useRef<HTMLDivElement>(null)
  // Before painting, so that this scrolling is not mistaken for the reader's.
  useLayoutEffect(() => {
    // Also when the filter changes the last line.
    if (follows && shown.length > 0) box.current?.scrollTo({ top: box.current.scrollHeight })
  }, [follows, shown])
  return (
    <>
      <div className="log-tools">
        <input
          type="text"
          placeholder="Filter"
          aria-label="Show only lines with these words"
          value={filter}
          onChange={(event) => keepLogFilter(log, event.target.value)}
        />
        <label className="check">
          <input type="checkbox" checked={follows} onChange={(event) => setFollows(event.target.checked)} />
          Follow
        </label>
        <CopyButton
          what={`${plural(shown.length, 'line')}`}
          copy={() => act({ type: 'copyText', text: shown.map(({ text }) => text).join('\n') })}
        />
      </div>
      <section
        className="log"
        aria-label={`Log of ${pageNames[log]}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard (WCAG 2.1.1)
        tabIndex={0}
        ref={box}
        onScroll={({ currentTarget }) => setFollows(isAtBottom(currentTarget))}
      >
        {failure !== null && <p className="log-error">Could not read the log: {failure}</p>}
        {failure === null && shown.length === 0 && (
          <p className="not-known">
            {lines.length === 0 ? 'Nothing written yet' : 'No line has these words'}
          </p>
        )}
        {shown.map(({ id, text }) => (
          <p key={id} className={`log-${judgeLine(text)}`}>
            {text}
          </p>
        ))}
      </section>
    </>
  )
}

interface Control {
  readonly verb: string
  /** What it destroys; null: nothing. */
  readonly warning: string | null
  readonly command: Command
}

/** None for the gateway: it starts and stops with the Router. */
const listControls = (snapshot: Snapshot, id: ServiceId): readonly Control[] => {
  if (id === 'gateway') return []
  const { phase } = snapshot.services[id]
  const isUp = phase !== 'stopped' && phase !== 'failed'
  const warning = describeWorkLoss(snapshot)
  const start = { verb: 'Start', warning: null, command: startCommand(id) }
  if (id === 'ramDisk') {
    const eject = { verb: 'Eject', warning: ejectLoss, command: ejectForge }
    // Also for a failed disk: the way it is mounted may be the problem.
    return [...(isUp || snapshot.ramDisk?.mounted === true ? [eject] : []), ...(isUp ? [] : [start])]
  }
  return isUp
    ? [
        { verb: 'Stop', warning, command: stopCommand(id) },
        { verb: 'Restart', warning, command: { type: 'restart', only: id } },
      ]
    : [start]
}

const ServiceControls = ({ id }: { readonly id: ServiceId }) => {
  const phase = useSnapshot((snapshot) => readService(snapshot, id)?.phase ?? null)
  const controls = useSnapshot((snapshot) => listControls(snapshot, id))
  const mayEject = useRefusal([ejectForge]) === null
  if (phase === null || controls === null) return null
  return (
    <div className="service-controls">
      <span className={`service-word phase-${phase}`}>{phase}</span>
      {id === 'gateway' && <span>starts and stops with the {serviceNames.proxy}</span>}
      {controls
        .filter(({ verb }) => verb !== 'Eject' || mayEject)
        .map(({ verb, warning, command }) => (
          <AskingButton
            key={`${verb} ${id}`}
            label={`${verb} ${serviceNames[id]}`}
            warning={warning}
            onPress={() => void send(command)}
          />
        ))}
    </div>
  )
}

const useLog = (log: LogId) => {
  const [lines, setLines] = useState<readonly LogLine[]>([])
  /** Why the tail is missing; null when it is there or pending. */
  const [failure, setFailure] = useState<string | null>(null)
  // A new core has written lines before we followed it.
  const core = useSnapshot(({ owner }) => `${owner.pid} ${owner.since}`)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new core needs its tail read again
  useEffect(() => {
    let closed = false
    /** New lines that wait for the tail, to come after it; null once the tail is there. */
    let early: string[] | null = []
    const end = window.nexus.onLogLines(log, (added) => {
      if (early === null) setLines((before) => appendLines(before, added))
      else early.push(...added)
    })
    /** Returns the waiting lines and stops collecting. */
    const release = (): readonly string[] => {
      const waited = early ?? []
      early = null
      return waited
    }
    askLogTail(log, mostLogLines).then(
      (tail) => {
        if (closed) return
        setLines(appendLines([], joinTail(tail, release())))
        setFailure(null)
      },
      (error: unknown) => {
        if (closed) return
        const waited = release()
        setLines((before) => appendLines(before, waited))
        setFailure(error instanceof Error ? error.message : String(error))
      },
    )
    return () => {
      closed = true
      end()
    }
  }, [log, core])
  return { lines, failure }
}
