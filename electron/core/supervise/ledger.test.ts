// Who our children are, on disk: read back by the next core, and never a guess.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { identityOf, type LedgerEntry, openLedger } from './ledger.ts'

let path: string
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'nexus-ledger-')), 'ledger.json')
})
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

const engine: LedgerEntry = {
  service: 'llamaServer',
  pid: 4242,
  startedAt: '99@boot',
  argv: ['/opt/llama-server', '-m', 'a model with blanks.gguf'],
  profile: 'demo',
  spawnedAtMs: 1_700_000_000_000,
  logMark: { previous: 0, offset: 7 },
}
const router: LedgerEntry = { ...engine, service: 'proxy', pid: 4243 }

describe('the ledger', () => {
  it('is read back by the next core, from a private file', () => {
    const ledger = openLedger(path)
    ledger.record(engine)
    ledger.record(router)
    expect(openLedger(path).find('llamaServer')).toEqual(engine)
    expect(openLedger(path).find('proxy')).toEqual(router)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(identityOf(engine)).toEqual({ pid: 4242, startedAt: '99@boot' })
  })

  it('goes on with what it knows while it cannot be written, and tells of it', () => {
    const told: string[] = []
    const ledger = openLedger(path, ({ message }) => told.push(message))
    mkdirSync(join(path, 'in-the-way'), { recursive: true })
    ledger.record(engine)
    ledger.record(router)
    ledger.forget('proxy')
    expect([ledger.find('llamaServer'), ledger.find('proxy')]).toEqual([engine, null])
    expect(told).toEqual(Array(3).fill(expect.stringContaining('could not save the list of our processes')))
    rmSync(path, { recursive: true })
    ledger.record(router)
    expect(openLedger(path).find('llamaServer')).toEqual(engine)
  })

  it('names no dead server for longer than the disk is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const told: string[] = []
    const ledger = openLedger(path, ({ message }) => told.push(message))
    ledger.record(engine)
    ledger.record(router)
    const text = readFileSync(path)
    rmSync(path)
    mkdirSync(join(path, 'in-the-way'), { recursive: true })
    ledger.forget('llamaServer')
    await vi.advanceTimersByTimeAsync(10_000)
    rmSync(path, { recursive: true })
    writeFileSync(path, text)
    expect(openLedger(path).find('llamaServer')).toEqual(engine)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(openLedger(path).find('llamaServer')).toBeNull()
    expect(openLedger(path).find('proxy')).toEqual(router)
    expect(told).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has one entry for each service: the newest', () => {
    const ledger = openLedger(path)
    ledger.record(engine)
    ledger.record({ ...engine, pid: 5000 })
    expect(openLedger(path).find('llamaServer')?.pid).toBe(5000)
  })

  it('forgets one and keeps the other', () => {
    const ledger = openLedger(path)
    ledger.record(engine)
    ledger.record(router)
    ledger.forget('llamaServer')
    ledger.forget('llamaServer')
    expect(openLedger(path).find('llamaServer')).toBeNull()
    expect(openLedger(path).find('proxy')).toEqual(router)
  })

  it.each([
    ['empty', ''],
    ['half', '{"version":1,"entries":[{"serv'],
    ['of another version', JSON.stringify({ version: 2, entries: [engine] })],
    [
      'with pid 0, which would be our own group',
      JSON.stringify({ version: 1, entries: [{ ...engine, pid: 0 }] }),
    ],
    ['with a negative pid', JSON.stringify({ version: 1, entries: [{ ...engine, pid: -1 }] })],
    ['without a start time', JSON.stringify({ version: 1, entries: [{ ...engine, startedAt: undefined }] })],
  ])('is empty when its file is %s, and goes on', (_, text) => {
    writeFileSync(path, text)
    const ledger = openLedger(path)
    expect(ledger.find('llamaServer')).toBeNull()
    ledger.record(router)
    expect(openLedger(path).find('proxy')).toEqual(router)
  })
})
