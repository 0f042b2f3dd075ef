// One service's log, with follow, filter and copy, and the buttons for that service.
import { useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Command } from '../../electron/contract/command.ts'
import { refuseLogs } from '../../electron/contract/guest-rights.ts'
import {
  type CommandedId,
  type LogId,
  serviceIds,
  serviceNames,
} from '../../electron/contract/service-ids.ts'
import type { Phase } from '../../electron/contract/snapshot.ts'
import { plural } from '../../electron/wording/figures.ts'
import { AskingButton } from '../asking-button.tsx'
import { keepLogFilter, useDrafts } from '../drafts.ts'
import { useHost, useRefusal } from '../guest.ts'
import { filterLines, judgeLine } from '../log-lines.ts'
import { act, send, showCoreLog, showView, useMirror, useSnapshot } from '../mirror.ts'
import { logAt } from '../place.ts'
import { describeWorkLoss, ejectForge, ejectLoss, startOf } from '../service-commands.ts'
import { useLog } from '../use-log.ts'
import { CopyButton } from './copy-button.tsx'
import { ViewHead } from './view-head.tsx'

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
      {shown === 'gateway' ? <GatewayNote /> : shown !== 'core' && <ServiceControls id={shown} />}
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

const isUp = (phase: Phase): boolean => phase !== 'stopped' && phase !== 'failed'

/** No button of its own: it starts and stops with the Router. */
const GatewayNote = () => {
  const phase = useSnapshot(({ services }) => services.gateway?.phase ?? null)
  if (phase === null) return null
  return (
    <div className="service-controls">
      <span className={`service-word phase-${phase}`}>{phase}</span>
      <span>starts and stops with the {serviceNames.proxy}</span>
    </div>
  )
}

const ServiceControls = ({ id }: { readonly id: CommandedId }) => {
  const phase = useSnapshot(({ services }) => services[id].phase)
  if (phase === null) return null
  const up = isUp(phase)
  return (
    <div className="service-controls">
      <span className={`service-word phase-${phase}`}>{phase}</span>
      {id === 'ramDisk' ? <ForgeEject up={up} /> : up && <ServerControls id={id} />}
      {!up && (
        <AskingButton
          key={`start ${id}`}
          label={`Start ${serviceNames[id]}`}
          warning={null}
          onPress={() => void send(startOf(id))}
        />
      )}
    </div>
  )
}

/** Also for a failed disk: the way it is mounted may be the problem. */
const ForgeEject = ({ up }: { readonly up: boolean }) => {
  const mounted = useSnapshot(({ ramDisk }) => ramDisk?.mounted) ?? false
  const refusal = useRefusal([ejectForge])
  if (refusal !== null || (!up && !mounted)) return null
  return (
    <AskingButton
      label={`Eject ${serviceNames.ramDisk}`}
      warning={ejectLoss}
      onPress={() => void send(ejectForge)}
    />
  )
}

const ServerControls = ({ id }: { readonly id: Exclude<CommandedId, 'ramDisk'> }) => {
  const warning = useSnapshot(describeWorkLoss)
  const stop: Command = { type: 'stop', only: id, eject: false, now: false, force: false }
  return (
    <>
      <AskingButton
        key={`stop ${id}`}
        label={`Stop ${serviceNames[id]}`}
        warning={warning}
        onPress={() => void send(stop)}
      />
      <AskingButton
        key={`restart ${id}`}
        label={`Restart ${serviceNames[id]}`}
        warning={warning}
        onPress={() => void send({ type: 'restart', only: id })}
      />
    </>
  )
}
