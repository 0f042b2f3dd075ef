// A gateway that an earlier core left behind: ended, and forgotten only then.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { logBeginning } from '../logs/log-generations.ts'
import type { ProcessTable } from '../platform/platform.ts'
import { type LedgerEntry, openLedger } from '../supervise/ledger.ts'
import { endStray } from './gateway-assembly.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-gateway-'))
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

/** Larger than any pid that a system gives (proc(5): pid_max), so no signal reaches a real process. */
const noPid = 2 ** 30

const entry: LedgerEntry = {
  service: 'gateway',
  pid: noPid,
  startedAt: '99@boot',
  argv: ['traefik'],
  profile: 'studio',
  spawnedAtMs: 0,
  logMark: logBeginning,
}

it.each([
  ['survives SIGKILL', true],
  ['has ended', false],
])('one that %s', async (_, survives) => {
  const processes: ProcessTable = {
    identityCost: 'file',
    readIdentity: async (pid) => (survives ? { pid, startedAt: entry.startedAt } : null),
    readGroupMembers: async () => [],
    readPortOwner: async () => null,
    readArgv: async () => null,
  }
  const ledger = openLedger(join(folder, 'ledger.json'))
  ledger.record(entry)
  const ended = endStray(ledger, { processes })
  await vi.advanceTimersByTimeAsync(60_000)
  await ended
  expect(ledger.find('gateway')).toEqual(survives ? entry : null)
})
