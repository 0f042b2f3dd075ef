// What the menu offers in every state.
import { describe, expect, it } from 'vitest'
import type { AppState } from '../contract/app.ts'
import { appState, snapshotAt as at, slots, withService } from '../contract/test-support/sample-app-state.ts'
import { describeInterruption, interrupts, type TrayItem, trayMenu } from './tray-menu.ts'

const texts = (items: readonly TrayItem[] = []): string[] =>
  items.flatMap(({ label }) => (label === undefined ? [] : [label]))

const flatten = (items: readonly TrayItem[]): TrayItem[] =>
  items.flatMap((item) => [item, ...flatten(item.submenu ?? [])])

const find = (state: AppState, label: string) => {
  const item = flatten(trayMenu(state)).find((each) => each.choice !== undefined && each.label === label)
  if (item === undefined) throw new Error(`no choice ${label}`)
  return item
}

const submenu = (state: AppState, start: string) => {
  const item = trayMenu(state).find((each) => each.submenu !== undefined && each.label?.startsWith(start))
  if (item === undefined) throw new Error(`no submenu ${start}`)
  return item
}

const stopped = { phase: 'stopped', pid: null, endpoint: null } as const
const allStopped = appState({
  overall: 'stopped',
  services: {
    ...withService('llamaServer', stopped).services,
    ...{ proxy: { ...withService('proxy', stopped).services.proxy } },
  },
})

it('has everything, in order', () => {
  expect(texts(trayMenu(appState({ slots: slots(1) })))).toEqual([
    'Ready: 3 slots free, a new agent starts at once',
    'Start everything',
    'Stop everything',
    'Build Forge: ready',
    'AI Engine: ready',
    'Router: ready',
    'Open Nexus',
    'Copy endpoint',
    'Doctor',
    'Settings',
    'Quit',
  ])
})

it('says whose core it is when it is not ours', () => {
  const link = { kind: 'attached', pid: 12, user: null } as const
  expect(texts(trayMenu(appState({}, { link })))[1]).toBe('Start everything')
  const guest = appState({}, { link: { ...link, user: 'ann' } })
  expect(texts(trayMenu(guest))[1]).toBe('ann’s stack (its core has pid 12)')
  expect(find(guest, 'Show log').enabled).toBe(false)
  expect(find(guest, 'Stop everything').enabled).toBe(true)
})

describe('starting and stopping', () => {
  it('offers what would do something', () => {
    expect(find(appState({}), 'Start everything').enabled).toBe(false)
    expect(find(appState({}), 'Stop everything').enabled).toBe(true)
    expect(find(allStopped, 'Start everything').enabled).toBe(true)
    expect(find(allStopped, 'Stop everything').enabled).toBe(false)
    expect(find(appState(null), 'Start everything').enabled).toBe(false)
    expect(find(appState(null), 'Stop everything').enabled).toBe(false)
  })

  it('gives the commands that the window gives', () => {
    expect(find(allStopped, 'Start everything').choice).toEqual({
      type: 'command',
      command: { type: 'start', only: null, profile: null, force: false },
    })
    expect(find(appState({}), 'Stop everything').choice).toEqual({
      type: 'command',
      command: { type: 'stop', only: null, eject: false, now: false, force: false },
    })
  })
})

describe('one service', () => {
  it('is started when it does not run, stopped or restarted when it does', () => {
    const running = submenu(appState({}), 'Router').submenu
    expect(running?.map(({ label, enabled }) => [label, enabled])).toEqual([
      ['Start', false],
      ['Stop', true],
      ['Restart', true],
      ['Show log', true],
    ])
    const failed = appState(withService('proxy', { phase: 'failed' }))
    expect(submenu(failed, 'Router: failed').submenu?.[0]).toMatchObject({ label: 'Start', enabled: true })
  })

  it('the Build Forge is not stopped from here: that would lose its files', () => {
    expect(texts(submenu(appState({}), 'Build Forge').submenu)).toEqual(['Start', 'Show log'])
  })

  it('is not known while no core answers', () => {
    expect(submenu(appState(null), 'Router').label).toBe('Router: not known')
  })
})

it('copies the endpoint when there is one, never a key', () => {
  expect(find(appState({}), 'Copy endpoint')).toMatchObject({
    enabled: true,
    choice: { type: 'copy-address' },
  })
  expect(find(allStopped, 'Copy endpoint').enabled).toBe(false)
})

it('tells of a gateway, and starts one that has failed', () => {
  const snapshot = appState({}).snapshot
  if (snapshot === null) throw new Error('the sample has a snapshot')
  const failed = appState({
    services: { ...snapshot.services, gateway: { ...snapshot.services.proxy, phase: 'failed' } },
  })
  expect(texts(trayMenu(failed))).toContain('Gateway: failed')
  expect(find(failed, 'Start everything').enabled).toBe(true)
  expect(find(appState({}), 'Start everything').enabled).toBe(false)
})

it('asks before stopping another user’s stack, even an idle one', () => {
  const link = { kind: 'attached', pid: 12, user: 'ann' } as const
  expect(describeInterruption(appState(at(0)))).toBeNull()
  expect(describeInterruption(appState(at(0), { link: { ...link, user: null } }))).toBeNull()
  expect(describeInterruption(appState(at(0), { link }))).toBe('This is ann’s stack.')
  expect(describeInterruption(appState(at(1), { link }))).toBe(
    'This is ann’s stack. 1 agent is being answered.',
  )
})

it('asks before what interrupts, and before nothing else', () => {
  const stop = { type: 'stop', eject: false, now: false, force: false } as const
  expect(interrupts({ ...stop, only: null })).toBe(true)
  expect(interrupts({ type: 'restart', only: 'proxy' })).toBe(true)
  expect(interrupts({ ...stop, only: 'ramDisk' })).toBe(false)
  expect(interrupts({ type: 'start', only: null, profile: null, force: false })).toBe(false)
})
