// The icon's menu as data, with the same commands as window and command line, and the question before one that interrupts
// agents. Pure.
import type { MenuItemConstructorOptions } from 'electron'
import type { AppAction, AppState } from '../contract/app.ts'
import { type Command, startCommand, stopCommand } from '../contract/command.ts'
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

/** In Electron's form, with what is chosen as data. */
export interface TrayItem extends Pick<MenuItemConstructorOptions, 'type' | 'label' | 'enabled'> {
  readonly choice?: TrayChoice
  readonly submenu?: readonly TrayItem[]
}

const separator: TrayItem = { type: 'separator' }

export const trayMenu = (state: AppState): readonly TrayItem[] => {
  const { snapshot } = state
  return [
    line(stateLine(state)),
    ...describeHost(state),
    separator,
    command('Start everything', mayStart(snapshot), startCommand(null)),
    command('Stop everything', mayStop(snapshot), stopCommand(null)),
    separator,
    ...commandedIds.map((id) => serviceMenu(id, state)),
    ...gatewayMenu(snapshot),
    separator,
    show('Open Nexus', { id: 'glance', service: null }),
    choice('Copy endpoint', snapshot?.services.proxy.endpoint != null, { type: 'copy-address' }),
    show('Doctor', { id: 'doctor', service: null }),
    show('Settings', { id: 'settings', service: null }),
    separator,
    choice('Quit', true, { type: 'action', action: { type: 'quit' } }),
  ]
}

const line = (label: string): TrayItem => ({ label, enabled: false })

const choice = (label: string, enabled: boolean, chosen: TrayChoice): TrayItem => ({
  label,
  enabled,
  choice: chosen,
})

const command = (label: string, enabled: boolean, given: Command): TrayItem =>
  choice(label, enabled, { type: 'command', command: given })

const show = (label: string, view: View, enabled = true): TrayItem =>
  choice(label, enabled, { type: 'view', view })

const describeHost = ({ link }: AppState): readonly TrayItem[] =>
  link.kind !== 'attached' || link.user === null
    ? []
    : [line(`${link.user}’s stack (its core has pid ${link.pid})`)]

const mayStart = (snapshot: Snapshot | null): boolean =>
  snapshot !== null &&
  presentServices(snapshot).some(({ state: { phase } }) => ['stopped', 'failed', 'stopping'].includes(phase))

/** A stop leaves the RAM disk mounted, so it doesn't count as running. */
const mayStop = (snapshot: Snapshot | null): boolean =>
  snapshot !== null &&
  (['llamaServer', 'proxy'] as const).some((id) => snapshot.services[id].phase !== 'stopped')

const serviceMenu = (id: CommandedId, state: AppState): TrayItem => {
  const phase = state.snapshot?.services[id].phase ?? null
  const lives = phase === 'ready' || phase === 'degraded' || phase === 'starting'
  return {
    label: `${serviceNames[id]}: ${phase ?? 'not known'}`,
    submenu: [
      command('Start', phase === 'stopped' || phase === 'failed', startCommand(id)),
      ...(id === 'ramDisk' ? [] : [command('Stop', lives, stopCommand(id))]),
      ...(id === 'ramDisk' ? [] : [command('Restart', lives, { type: 'restart', only: id })]),
      show('Show log', { id: 'logs', service: id }, hostOf(state) === null),
    ],
  }
}

/** The gateway starts and stops with the Router, so it has no commands. */
const gatewayMenu = (snapshot: Snapshot | null): readonly TrayItem[] => {
  const gateway = snapshot?.services.gateway
  return gateway === undefined ? [] : [line(`${serviceNames.gateway}: ${gateway.phase}`)]
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
