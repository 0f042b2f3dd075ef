// The icon's menu as data, with the same commands as window and command line, and the question before one that interrupts
// agents. Pure.
import type { AppAction, AppState } from '../contract/app.ts'
import type { Command } from '../contract/command.ts'
import { hostOf } from '../contract/guest-rights.ts'
import type { View } from '../contract/notice.ts'
import { type CommandedId, commandedIds, serviceNames } from '../contract/service-ids.ts'
import { presentServices } from '../contract/services.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { describeWork } from '../wording/room.ts'
import { stateLine } from './tray-look.ts'

export type TrayChoice =
  | { readonly type: 'command'; readonly command: Command }
  | { readonly type: 'view'; readonly view: View }
  | { readonly type: 'action'; readonly action: AppAction }
  /** The Router's address for other machines. */
  | { readonly type: 'copy-address' }

export type TrayItem =
  | { readonly kind: 'separator' }
  | { readonly kind: 'line'; readonly text: string }
  | {
      readonly kind: 'choice'
      readonly text: string
      readonly enabled: boolean
      readonly choice: TrayChoice
    }
  | { readonly kind: 'submenu'; readonly text: string; readonly items: readonly TrayItem[] }

const separator: TrayItem = { kind: 'separator' }

export const trayMenu = (state: AppState): readonly TrayItem[] => {
  const { snapshot } = state
  return [
    { kind: 'line', text: stateLine(state) },
    ...describeHost(state),
    separator,
    command('Start everything', mayStart(snapshot), startCommand(null)),
    command('Stop everything', mayStop(snapshot), stopCommand(null)),
    separator,
    ...commandedIds.map((id) => serviceMenu(id, state)),
    ...gatewayMenu(snapshot),
    separator,
    show('Open Nexus', 'glance'),
    copyEndpoint(snapshot),
    show('Doctor', 'doctor'),
    show('Settings', 'settings'),
    separator,
    { kind: 'choice', text: 'Quit', enabled: true, choice: { type: 'action', action: { type: 'quit' } } },
  ]
}

const describeHost = ({ link }: AppState): readonly TrayItem[] => {
  if (link.kind !== 'attached' || link.user === null) return []
  return [{ kind: 'line', text: `${link.user}’s stack (its core has pid ${link.pid})` }]
}

const command = (text: string, enabled: boolean, given: Command): TrayItem => ({
  kind: 'choice',
  text,
  enabled,
  choice: { type: 'command', command: given },
})

const show = (text: string, id: View['id']): TrayItem => ({
  kind: 'choice',
  text,
  enabled: true,
  choice: { type: 'view', view: { id, service: null } },
})

const startCommand = (only: CommandedId | null): Command => ({
  type: 'start',
  only,
  profile: null,
  force: false,
})

/** Like `nexus down`: busy slots may finish, and the RAM disk keeps its files. */
const stopCommand = (only: CommandedId | null): Command => ({
  type: 'stop',
  only,
  eject: false,
  now: false,
  force: false,
})

const mayStart = (snapshot: Snapshot | null): boolean =>
  snapshot !== null &&
  presentServices(snapshot).some(({ state: { phase } }) => ['stopped', 'failed', 'stopping'].includes(phase))

/** A stop leaves the RAM disk mounted, so it doesn't count as running. */
const mayStop = (snapshot: Snapshot | null): boolean =>
  snapshot !== null &&
  (['llamaServer', 'proxy'] as const).some((id) => snapshot.services[id].phase !== 'stopped')

const serviceMenu = (id: CommandedId, state: AppState): TrayItem => {
  const { snapshot } = state
  const phase = snapshot?.services[id].phase ?? null
  const lives = phase === 'ready' || phase === 'degraded' || phase === 'starting'
  const log: TrayItem = {
    kind: 'choice',
    text: 'Show log',
    enabled: hostOf(state) === null,
    choice: { type: 'view', view: { id: 'logs', service: id } },
  }
  return {
    kind: 'submenu',
    text: `${serviceNames[id]}: ${phase ?? 'not known'}`,
    items: [
      command('Start', phase === 'stopped' || phase === 'failed', startCommand(id)),
      ...(id === 'ramDisk' ? [] : [command('Stop', lives, stopCommand(id))]),
      ...(id === 'ramDisk' ? [] : [command('Restart', lives, { type: 'restart', only: id })]),
      log,
    ],
  }
}

/** The gateway starts and stops with the Router, so it has no commands. */
const gatewayMenu = (snapshot: Snapshot | null): readonly TrayItem[] => {
  const gateway = snapshot?.services.gateway
  return gateway === undefined ? [] : [{ kind: 'line', text: `${serviceNames.gateway}: ${gateway.phase}` }]
}

const copyEndpoint = (snapshot: Snapshot | null): TrayItem => {
  const endpoint = snapshot?.services.proxy.endpoint ?? null
  return {
    kind: 'choice',
    text: 'Copy endpoint',
    enabled: endpoint !== null,
    choice: { type: 'copy-address' },
  }
}

/** The question before a stop; null: none needed. One careless click never stops another user's stack. */
export const describeInterruption = (state: AppState): string | null => {
  const host = hostOf(state)
  const work = describeWork(state.snapshot)
  if (host === null) return work
  return `This is ${host}’s stack.${work === null ? '' : ` ${work}`}`
}

/** A start interrupts no agent. */
export const interrupts = (command: Command): boolean =>
  (command.type === 'stop' || command.type === 'restart') && command.only !== 'ramDisk'
