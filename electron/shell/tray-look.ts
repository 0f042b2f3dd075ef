// The menu-bar icon: a shape for the state, a short text beside it, and a tooltip. Pure.
import type { AppState } from '../contract/app.ts'
import type { Config } from '../contract/config.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { formatRate } from '../wording/figures.ts'
import { countWaiting, measureRoom } from '../wording/room.ts'
import { startSentence } from '../wording/sentence.ts'
import { judgeSnapshot } from '../wording/state-words.ts'

export const trayIcons = ['stopped', 'starting', 'ready', 'busy', 'full', 'failed'] as const
export type TrayIcon = (typeof trayIcons)[number]

export const trayLook = (state: AppState, menuBarText: Config['menuBarText']) => {
  const { snapshot } = state
  const icon = chooseIcon(state)
  const notices = (snapshot?.notices ?? []).map(({ title }) => title)
  // If the system shows no notifications, the most important notice is beside the icon instead.
  const unseen = state.notificationsRefused === null ? undefined : cutForMenuBar(notices[0])
  return {
    icon,
    /** Beside the icon, on macOS only; may be empty. */
    title: unseen ?? (snapshot === null ? '' : describeLoad(snapshot, menuBarText)),
    tooltip: [`Opta Nexus: ${stateLine(state)}`, ...notices, ...refusal(state)].join('\n'),
  }
}

/** A longer text could push the icon off a bar with a notch; the tooltip has all of it. */
const longestTitle = 24
const cutForMenuBar = (title: string | undefined): string | undefined =>
  title === undefined || title.length <= longestTitle
    ? title
    : `${title.slice(0, longestTitle - 1).trimEnd()}…`

const refusal = ({ notificationsRefused }: AppState): readonly string[] =>
  notificationsRefused === null ? [] : [`No notifications: ${notificationsRefused}`]

const chooseIcon = ({ link, snapshot }: AppState): TrayIcon => {
  // Services may be running while we look for a core.
  if (snapshot === null) return link.kind === 'lost' ? 'failed' : 'starting'
  switch (snapshot.overall) {
    case 'stopped':
      return 'stopped'
    case 'starting':
    case 'stopping':
      return 'starting'
    case 'degraded':
      return isDiskMoving(snapshot) ? loadIcon(snapshot) : 'failed'
    case 'failed':
      return 'failed'
    case 'ready':
      return loadIcon(snapshot)
  }
}

/** Agents still get answers meanwhile, so the icon keeps showing that. */
const isDiskMoving = ({ services: { ramDisk, llamaServer, proxy } }: Snapshot): boolean =>
  (ramDisk.phase === 'starting' || ramDisk.phase === 'stopping') &&
  llamaServer.phase === 'ready' &&
  proxy.phase === 'ready'

const loadIcon = (snapshot: Snapshot): TrayIcon => {
  const { busy, total, waiting } = countSlots(snapshot)
  if (waiting > 0 || (total > 0 && busy === total)) return 'full'
  return busy > 0 ? 'busy' : 'ready'
}

const countSlots = (snapshot: Snapshot) => {
  const room = measureRoom(snapshot)
  if (room === null) return { busy: 0, total: 0, waiting: countWaiting(snapshot) ?? 0 }
  return { busy: room.slots - room.free, total: room.slots, waiting: room.waiting }
}

/** `3/4 · 41 t/s`, with `+2` for waiting requests; empty when the slots are unknown. */
const describeLoad = (snapshot: Snapshot, menuBarText: Config['menuBarText']): string => {
  if (menuBarText === 'none' || snapshot.overall !== 'ready' || snapshot.slots === null) return ''
  const { busy, total, waiting } = countSlots(snapshot)
  const load = `${busy}/${total}${waiting > 0 ? ` +${waiting}` : ''}`
  const speed = snapshot.throughput?.generationTokensPerSecond ?? null
  if (menuBarText === 'slots' || busy === 0 || speed === null) return load
  return `${load} · ${formatRate(speed)} t/s`
}

/** The state of the stack in one line. */
export const stateLine = ({ link, snapshot }: AppState): string => {
  if (snapshot === null) return startSentence(link.kind === 'lost' ? link.reason : 'looking for the core')
  const { word, sentence, cause } = judgeSnapshot(snapshot)
  return `${word}: ${cause ?? sentence}`
}
