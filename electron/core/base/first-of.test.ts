// What a race leaves behind on a promise that outlives it.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { firstOf } from './first-of.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const never = () => new Promise<never>(() => {})

it('settles as the first does, and as one that had settled before', async () => {
  const early = Promise.resolve('early')
  expect(await firstOf<string>([never(), early])).toBe('early')
  expect(await firstOf<string>([never(), early])).toBe('early')
  const broken = Promise.reject(new Error('broken'))
  await expect(firstOf([never(), broken])).rejects.toThrow('broken')
  await expect(firstOf([broken, never()])).rejects.toThrow('broken')
})

it('is not settled again by what comes later', async () => {
  const late = Promise.withResolvers<string>()
  const later = Promise.withResolvers<string>()
  const race = firstOf([late.promise, later.promise])
  late.resolve('late')
  later.reject(new Error('later'))
  expect(await race).toBe('late')
})

it('keeps nothing from a thousand races against a pending promise', async () => {
  const lasting = new Promise<unknown>(() => {})
  const results: WeakRef<object>[] = []
  for (let round = 0; round < 1_000; round += 1) {
    const raced = firstOf<unknown>([lasting, Promise.resolve({ round })])
    results.push(new WeakRef(raced))
    await raced
  }
  // A WeakRef holds its target until the turn in which it was made is over.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  const kept = results.filter((result) => result.deref() !== undefined)
  expect(kept.length).toBeLessThan(10)
  // The promise itself must outlive the count, or everything would be collected with it.
  expect(lasting).toBeInstanceOf(Promise)
})
