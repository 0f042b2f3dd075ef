// What the icon says in every state.
import { describe, expect, it } from 'vitest'
import type { AppState } from '../contract/app.ts'
import type { Notice } from '../contract/notice.ts'
import { appState, slots, withService } from '../contract/test-support/sample-app-state.ts'
import { type TrayIcon, trayLook } from './tray-look.ts'

const throughput = {
  generationTokensPerSecond: 41.2,
  promptTokensPerSecond: null,
  draftAcceptance: null,
  tokensGeneratedTotal: 1000,
}
const full: Notice = {
  id: 'slots-full',
  since: 1,
  severity: 'warning',
  title: 'All slots are busy',
  body: 'A fifth agent waits.',
  view: { id: 'glance', service: null },
  raise: true,
}

const mounting = { overall: 'degraded', ...withService('ramDisk', { phase: 'starting' }) } as const

describe('the icon', () => {
  const states: readonly (readonly [string, AppState, TrayIcon])[] = [
    ['connecting', appState(null, { link: { kind: 'connecting' } }), 'starting'],
    ['lost', appState(null, { link: { kind: 'lost', reason: 'no core' } }), 'failed'],
    ['stopped', appState({ overall: 'stopped' }), 'stopped'],
    ['starting', appState({ overall: 'starting' }), 'starting'],
    ['stopping', appState({ overall: 'stopping' }), 'starting'],
    ['degraded', appState({ overall: 'degraded' }), 'failed'],
    ['degraded by a disk that is being mounted', appState({ ...mounting, slots: slots(1) }), 'busy'],
    ['failed', appState({ overall: 'failed' }), 'failed'],
    ['ready, slots not known', appState({ slots: null }), 'ready'],
    ['ready, idle', appState({ slots: slots(0) }), 'ready'],
    ['one busy', appState({ slots: slots(1) }), 'busy'],
    ['all busy', appState({ slots: slots(4) }), 'full'],
    ['one free, but some wait', appState({ slots: slots(3), queue: { processing: 3, deferred: 1 } }), 'full'],
  ]
  it.each(states)('%s', (_what, state, icon) => {
    expect(trayLook(state, 'none').icon).toBe(icon)
  })
})

describe('the text beside it', () => {
  const busy = appState({ slots: slots(3), throughput })
  it('is as much as was asked for', () => {
    expect(trayLook(busy, 'none').title).toBe('')
    expect(trayLook(busy, 'slots').title).toBe('3/4')
    expect(trayLook(busy, 'slots-and-speed').title).toBe('3/4 · 41.2 t/s')
  })

  it('counts those who wait', () => {
    const state = appState({ slots: slots(4), throughput, queue: { processing: 4, deferred: 2 } })
    expect(trayLook(state, 'slots-and-speed').title).toBe('4/4 +2 · 41.2 t/s')
  })

  it('is nothing rather than a guess', () => {
    expect(trayLook(appState({ slots: null }), 'slots').title).toBe('')
    expect(trayLook(appState({ slots: slots(2), throughput: null }), 'slots-and-speed').title).toBe('2/4')
    expect(trayLook(appState({ slots: slots(0), throughput }), 'slots-and-speed').title).toBe('0/4')
    expect(trayLook(appState({ overall: 'stopped', slots: slots(0) }), 'slots').title).toBe('')
    expect(trayLook(appState(null), 'slots').title).toBe('')
  })

  it('is what a notification would have said, where the system shows none', () => {
    const noticed = { slots: slots(4), notices: [full] }
    expect(trayLook(appState(noticed), 'slots').title).toBe('4/4')
    const refused = trayLook(appState(noticed, { notificationsRefused: 'not allowed' }), 'slots')
    expect(refused.title).toBe('All slots are busy')
    expect(refused.tooltip).toBe(
      'Opta Nexus: Full: all 4 busy: a fifth agent waits its turn\nAll slots are busy\nNo notifications: not allowed',
    )
  })
})

describe('the tooltip', () => {
  it.each([
    [appState({ slots: slots(1) }), 'Opta Nexus: Ready: 3 slots free, a new agent starts at once'],
    [appState({ slots: null }), 'Opta Nexus: Ready: requests are answered; slots are not known right now'],
    [
      appState({ slots: slots(4), queue: { processing: 4, deferred: 2 } }),
      'Opta Nexus: Full: all 4 busy: a new agent waits behind 2 others',
    ],
    [
      appState({
        overall: 'failed',
        ...withService('proxy', { phase: 'failed', reason: 'port 4000 is taken' }),
      }),
      'Opta Nexus: Failed: Router: port 4000 is taken',
    ],
    [
      appState({
        overall: 'starting',
        ...withService('llamaServer', { phase: 'starting', waitingFor: 'loading model' }),
      }),
      'Opta Nexus: Starting: AI Engine: loading model',
    ],
    [
      appState({
        overall: 'starting',
        ...withService('llamaServer', {
          phase: 'starting',
          reason: 'it ran out of memory',
          waitingFor: 'a restart in 4.0 s',
        }),
      }),
      'Opta Nexus: Starting: AI Engine: it ran out of memory',
    ],
    [
      appState(mounting),
      'Opta Nexus: Degraded: requests are answered; slots are not known right now; no RAM disk for builds',
    ],
    [
      appState({ overall: 'degraded', ...withService('llamaServer', { phase: 'stopped' }) }),
      'Opta Nexus: Degraded: AI Engine is stopped',
    ],
    [
      appState({ overall: 'degraded', proofFailure: 'no answer came' }),
      'Opta Nexus: Degraded: no answer came',
    ],
    [
      appState({
        overall: 'degraded',
        proof: null,
        proofFailure: 'no answer came',
        ...withService('ramDisk', { phase: 'failed', reason: 'no space left' }),
      }),
      'Opta Nexus: Degraded: no answer came',
    ],
    [
      appState(null, { link: { kind: 'lost', reason: 'no core is running' } }),
      'Opta Nexus: No core is running',
    ],
  ])('%#', (state, tooltip) => {
    expect(trayLook(state, 'slots').tooltip).toBe(tooltip)
  })
})
