import { expect, it } from 'vitest'
import { type ProbeResult, rememberReady } from './child-service.ts'

it('remembers that a run was ready until the next start, whatever is answered afterwards', async () => {
  const answers: ProbeResult[] = [
    { state: 'loading', detail: 'loading the model' },
    { state: 'ready' },
    { state: 'unreachable', detail: 'no answer' },
  ]
  const ready = rememberReady(async () => answers.shift() ?? { state: 'ready' })
  const { signal } = new AbortController()
  expect(await ready.probe(signal)).toEqual({ state: 'loading', detail: 'loading the model' })
  expect(ready.current()).toBe(false)
  await ready.probe(signal)
  expect(ready.current()).toBe(true)
  expect((await ready.probe(signal)).state).toBe('unreachable')
  expect(ready.current()).toBe(true)
  ready.forget()
  expect(ready.current()).toBe(false)
})
