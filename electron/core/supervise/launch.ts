// One attempt to get a process running: prepare, look at the port, then spawn, or take over a child of ours found there.
import { closeSync } from 'node:fs'
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { type LogMark, logBeginning } from '../logs/log-generations.ts'
import { type ProcessIdentity, type ProcessTable, runsArgv } from '../platform/platform.ts'
import { adoptProcess, type OwnedProcess, spawnOwned } from './child-process.ts'
import type { ChildService, LaunchSpec, ProcessExit } from './child-service.ts'
import type { PhaseDetail } from './phase-record.ts'
import { describePortTaken } from './port-taken.ts'

export interface Running {
  readonly process: OwnedProcess
  readonly logMark: LogMark
  readonly startedMs: number
}

export interface ChildLog {
  /** Opens it for the child; `mark` is where the lines of this run begin. */
  open(): { readonly fd: number; readonly mark: LogMark }
  readSince(mark: LogMark, maxLines: number): Promise<readonly string[]>
}

export type LaunchOutcome =
  | { readonly kind: 'running'; readonly running: Running; readonly argv: readonly string[] }
  /** It ended before its identity could be read. */
  | { readonly kind: 'ended'; readonly exit: ProcessExit; readonly logMark: LogMark }
  /** A retry by itself would not help. */
  | { readonly kind: 'failed'; readonly detail: Partial<PhaseDetail> }
  /** No longer wanted; nothing was spawned. */
  | { readonly kind: 'overtaken' }

export interface LaunchOptions {
  readonly service: ChildService
  readonly processes: ProcessTable
  readonly log: Pick<ChildLog, 'open'>
  /** What to do about a foreign process on the port, as the end of a sentence; null: nothing to add. */
  readonly describeForeign: (owner: ForeignProcess) => Promise<string | null>
  /** Asked until the spawn: an order may overtake the preparation. */
  readonly isWanted: () => boolean
  readonly now: () => number
}

export const launch = async (options: LaunchOptions): Promise<LaunchOutcome> => {
  const { service, processes, isWanted } = options
  let spec: LaunchSpec
  try {
    spec = await service.prepare()
  } catch (error) {
    return { kind: 'failed', detail: { reason: messageOf(error) } }
  }
  const owner = isWanted() ? await processes.readPortOwner(service.port) : null
  if (!isWanted()) return { kind: 'overtaken' }
  return owner === null ? spawnChild(spec, options) : takeOverOrRefuse(owner, spec, options)
}

const spawnChild = async (
  spec: LaunchSpec,
  { processes, log, now }: LaunchOptions,
): Promise<LaunchOutcome> => {
  const { fd, mark: logMark } = log.open()
  const startedMs = now()
  const outcome = await spawnOwned(spec, fd, processes).finally(() => closeSync(fd))
  switch (outcome.kind) {
    case 'not-spawned':
      return { kind: 'failed', detail: { reason: outcome.reason } }
    case 'ended':
      return { kind: 'ended', exit: outcome.exit, logMark }
    case 'spawned':
      return { kind: 'running', running: { process: outcome.process, logMark, startedMs }, argv: spec.argv }
  }
}

/** A core killed between spawn and ledger leaves a child that we can recognize only by its command line. */
const takeOverOrRefuse = async (
  owner: ForeignProcess,
  { argv }: LaunchSpec,
  { service, processes, describeForeign, now }: LaunchOptions,
): Promise<LaunchOutcome> => {
  const identity = await proveOurs(owner, argv, processes)
  if (identity !== null) {
    const process = adoptProcess(identity, processes)
    return { kind: 'running', running: { process, logMark: logBeginning, startedMs: now() }, argv }
  }
  const more = await describeForeign(owner)
  const reason = describePortTaken(service.id, service.port, owner)
  return {
    kind: 'failed',
    detail: { foreign: owner, reason: more === null ? reason : `${reason}; ${more}` },
  }
}

const proveOurs = async (
  owner: ForeignProcess,
  argv: readonly string[],
  processes: ProcessTable,
): Promise<ProcessIdentity | null> => {
  if (owner.pid === null) return null
  const found = await processes.readArgv(owner.pid)
  return found !== null && runsArgv(found, argv) ? processes.readIdentity(owner.pid) : null
}
