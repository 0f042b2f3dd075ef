// The processes of one state folder, from the process table, compared with the core's snapshot and the ledger.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { parseMountInfo } from '../electron/core/platform/linux-mount-table.ts'
import { openLedger } from '../electron/core/supervise/ledger.ts'
import { findProcessesOf, readParent } from './bench-processes.ts'
import type { StormStack } from './storm-stack.ts'

export interface Census {
  readonly cores: readonly number[]
  readonly engines: readonly number[]
  readonly routers: readonly number[]
  /** Short-lived commands; one that stays is an orphan. */
  readonly others: readonly number[]
}

type Role = keyof Census

const roleOf = (argv: readonly string[], stack: StormStack): Role => {
  const port = argv[argv.indexOf('--port') + 1]
  // The last of two, as the servers read it.
  if (argv.includes('serve')) return 'cores'
  if (argv.includes('--config') && port === String(stack.routerPort)) return 'routers'
  return argv.includes('--host') && port === String(stack.enginePort) ? 'engines' : 'others'
}

const readArgv = (pid: number): readonly string[] | null => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return null
  }
}

export const takeCensus = (stack: StormStack): Census => {
  const found: Record<Role, number[]> = { cores: [], engines: [], routers: [], others: [] }
  for (const pid of findProcessesOf(stack.home)) {
    const argv = readArgv(pid)
    if (argv !== null) found[roleOf(argv, stack)].push(pid)
  }
  // Between fork and exec, a child of the core has the core's command line; on a busy machine that may take a tenth of a second.
  const isForked = (pid: number) => found.cores.includes(readParent(pid) ?? 0)
  return { ...found, cores: found.cores.filter((pid) => !isForked(pid)) }
}

/** Two of one kind in two consecutive looks, since one may just be ending. Returns a sentence, or null. */
export const findDuplicate = (before: Census, now: Census): string | null => {
  for (const role of ['cores', 'engines', 'routers'] as const) {
    const both = now[role].filter((pid) => before[role].includes(pid))
    if (both.length > 1) return `${both.length} ${role} at once: pid ${both.join(', ')}`
  }
  return null
}

export const countMounts = (stack: StormStack): number => {
  const mountPoint = join(stack.folder.ramDiskRoot, 'OptaBuilds')
  const table = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
  return table.filter((entry) => entry.mountPoint === mountPoint).length
}

const same = (pids: readonly number[], wanted: readonly number[]): boolean => pids.join() === wanted.join()

/** Disagreements while the whole stack reports ready; empty: none. */
const judgeUp = (stack: StormStack, snapshot: Snapshot, census: Census): readonly string[] => {
  const ledger = openLedger(stack.folder.ledgerPath)
  const { llamaServer, proxy } = snapshot.services
  const { owner, overall } = snapshot
  const faults: string[] = []
  const expect = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault)
  }
  expect(overall === 'ready', `the stack is ${overall}`)
  expect(same(census.cores, [owner.pid]), `cores ${census.cores.join(', ')}, and pid ${owner.pid} answers`)
  expect(
    same(census.engines, [llamaServer.pid ?? 0]),
    `llama-servers ${census.engines}, shown is ${llamaServer.pid}`,
  )
  expect(same(census.routers, [proxy.pid ?? 0]), `Routers ${census.routers}, shown is ${proxy.pid}`)
  expect(ledger.find('llamaServer')?.pid === llamaServer.pid, 'the ledger names another llama-server')
  expect(ledger.find('proxy')?.pid === proxy.pid, 'the ledger names another Router')
  expect(census.others.length === 0, `left over: ${describeAll(census.others)}`)
  const mounts = countMounts(stack)
  expect(mounts <= 1, `the RAM disk is mounted ${mounts} times`)
  expect(mounts === (snapshot.ramDisk?.kind === 'tmpfs' ? 1 : 0), `the mount table has ${mounts} RAM disks`)
  return faults
}

const judgeDown = (stack: StormStack, snapshot: Snapshot, census: Census): readonly string[] => {
  const ledger = openLedger(stack.folder.ledgerPath)
  const left = [...census.engines, ...census.routers, ...census.others]
  return [
    ...(left.length > 0 ? [`left over after a stop: ${describeAll(left)}`] : []),
    ...(same(census.cores, [snapshot.owner.pid]) ? [] : [`cores ${census.cores.join(', ')}`]),
    ...(ledger.find('llamaServer') === null && ledger.find('proxy') === null
      ? []
      : ['the ledger still names servers']),
  ]
}

const describeAll = (pids: readonly number[]): string =>
  pids.map((pid) => `${pid} (${readArgv(pid)?.join(' ').slice(0, 120) ?? 'gone'})`).join(', ')

/** How long the core's own commands may still run, such as one that measures the RAM disk. */
const settleMs = 5_000

/** Looks again until all agree; returns what is wrong after `settleMs`. */
export const judgeStack = async (
  stack: StormStack,
  wanted: 'up' | 'down',
  readSnapshot: () => Promise<Snapshot>,
): Promise<readonly string[]> => {
  const judge = wanted === 'up' ? judgeUp : judgeDown
  const deadline = performance.now() + settleMs
  for (;;) {
    const faults = judge(stack, await readSnapshot(), takeCensus(stack))
    if (faults.length === 0 || performance.now() > deadline) return faults
    await sleep(100)
  }
}
