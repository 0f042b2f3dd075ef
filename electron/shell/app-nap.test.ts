// Awake while this app hosts services, and not otherwise.
import { expect, it } from 'vitest'
import { sampleSnapshot } from '../core/sample-snapshot.ts'
import { createNapGuard } from './app-nap.ts'
import { appState } from './sample-app-state.ts'

it('holds one assertion while it hosts services', () => {
  const calls: string[] = []
  const guard = createNapGuard({
    start: (type) => {
      calls.push(type)
      return 7
    },
    stop: (id) => calls.push(`stop ${id}`),
  })
  const hosting = { link: { kind: 'hosting' } } as const
  const { services } = sampleSnapshot
  const stopped = { phase: 'stopped', pid: null } as const
  const none = appState(
    {
      services: {
        ...services,
        llamaServer: { ...services.llamaServer, ...stopped },
        proxy: { ...services.proxy, ...stopped },
      },
    },
    hosting,
  )
  guard(none)
  guard(appState({}, { link: { kind: 'attached', pid: 1, host: 'cli', user: null } }))
  expect(calls).toEqual([])
  guard(appState({}, hosting))
  guard(appState({}, hosting))
  guard(none)
  guard(none)
  expect(calls).toEqual(['prevent-app-suspension', 'stop 7'])
})
