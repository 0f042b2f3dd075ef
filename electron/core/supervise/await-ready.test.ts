// Waiting for readiness: only the service's own answer, its end or an order ends the wait.
import { expect, it } from 'vitest'
import { awaitReady } from './await-ready.ts'
import type { ProbeResult, ProcessExit } from './child-service.ts'

const loading = (detail: string): ProbeResult => ({ state: 'loading', detail })
const never = new Promise<never>(() => {})

const serviceThat = (...answers: readonly ProbeResult[]) => {
  const left = [...answers]
  let probes = 0
  return {
    probes: () => probes,
    probe: (): Promise<ProbeResult> => {
      probes += 1
      const next = left.shift()
      return next === undefined ? never : Promise.resolve(next)
    },
  }
}

it('probes until it is ready, and passes on what it says of its loading', async () => {
  const said: string[] = []
  const refused: ProbeResult = { state: 'unreachable', detail: 'connection refused' }
  const service = serviceThat(refused, loading('Loading model'), { state: 'ready' })
  expect(await awaitReady(service, never, never, (detail) => said.push(detail))).toBe('ready')
  expect(said).toEqual(['Loading model'])
  expect(service.probes()).toBe(3)
})

it('ends with the process, though its probe never answers', async () => {
  const exit: ProcessExit = { exitCode: 1, signal: null }
  const exited = Promise.withResolvers<ProcessExit>()
  const waiting = awaitReady(serviceThat(), exited.promise, never, () => {})
  exited.resolve(exit)
  expect(await waiting).toEqual(exit)
})

it('ends with an order, in the pause between two probes too', async () => {
  const woken = Promise.withResolvers<null>()
  const service = serviceThat(loading('Loading model'))
  expect(await awaitReady(service, never, woken.promise, () => woken.resolve(null))).toBeNull()
  expect(service.probes()).toBe(1)
})
