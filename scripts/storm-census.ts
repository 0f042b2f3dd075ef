// The processes of one state folder, from the process table, compared with the core's snapshot and the ledger.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { openLedger } from '../electron/core/supervise/ledger.ts'
import { readMountPoints } from './own-stack.ts'
import { findProcessesOf, readArgv, readParent } from './processes.ts'
import type { StormStack } from './storm-stack.ts'

export interface Census {
  readonly cores: readonly number[]
  readonly engines: readonly number[]
  readonly routers: readonly number[]
  /** Short-lived commands; one that stays is an orphan. */
  readonly others: readonly number[]
}

const roleOf = (argv: readonly string[], stack: StormStack): keyof Census => {
  const port = argv[argv.indexOf('--port') + 1]
  if (argv.includes('serve')) return 'cores'
  if (argv.includes('--config') && port === String(stack.routerPort)) return 'routers'
  return argv.includes('--host') && port === String(stack.enginePort) ? 'engines' : 'others'
}

export const takeCensus = (stack: StormStack): Census => {
  const found: Record<keyof Census, number[]> = { cores: [], engines: [], routers: [], others: [] }
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

/** Disagreements while the whole stack reports ready; empty: none. */
const findDisagreements = (stack: StormStack, snapshot: Snapshot, census: Census): readonly string[] => {
  const ledger = openLedger(stack.folder.ledgerPath)
  const { llamaServer, proxy } = snapshot.services
  const { owner, overall } = snapshot
  const mountPoint = join(stack.folder.ramDiskRoot, 'OptaBuilds')
  const mounts = readMountPoints().filter((each) => each === mountPoint).length
  const isOnly = (pids: readonly number[], wanted: number | null) => pids.join() === String(wanted ?? 0)
  const others = census.others.map((pid) => `${pid} (${readArgv(pid)?.join(' ').slice(0, 120) ?? 'gone'})`)
  const judged: readonly (readonly [holds: boolean, fault: string])[] = [
    [overall === 'ready', `the stack is ${overall}`],
    [isOnly(census.cores, owner.pid), `cores ${census.cores}, and pid ${owner.pid} answers`],
    [isOnly(census.engines, llamaServer.pid), `llama-servers ${census.engines}, shown is ${llamaServer.pid}`],
    [isOnly(census.routers, proxy.pid), `Routers ${census.routers}, shown is ${proxy.pid}`],
    [ledger.find('llamaServer')?.pid === llamaServer.pid, 'the ledger names another llama-server'],
    [ledger.find('proxy')?.pid === proxy.pid, 'the ledger names another Router'],
    [others.length === 0, `left over: ${others.join(', ')}`],
    [mounts <= 1, `the RAM disk is mounted ${mounts} times`],
    [mounts === (snapshot.ramDisk?.kind === 'tmpfs' ? 1 : 0), `the mount table has ${mounts} RAM disks`],
  ]
  return judged.flatMap(([holds, fault]) => (holds ? [] : [fault]))
}

/** How long the core's own commands may still run, such as one that measures the RAM disk. */
const settleMs = 5_000

/** Looks again until all agree that the stack is up; returns what is wrong after `settleMs`. */
export const judgeStack = async (stack: StormStack): Promise<readonly string[]> => {
  const deadline = performance.now() + settleMs
  for (;;) {
    const faults = findDisagreements(stack, await stack.readSnapshot(), takeCensus(stack))
    if (faults.length === 0 || performance.now() > deadline) return faults
    await sleep(100)
  }
}
