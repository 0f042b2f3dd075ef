// One OS process of ours: spawned or adopted, identified by pid and start time, ended with its whole group.
import { spawn } from 'node:child_process'
import { firstOf, within } from '../base/first-of.ts'
import { isErrno } from '../base/private-file.ts'
import type { ProcessIdentity, ProcessTable } from '../platform/platform.ts'
import type { LaunchSpec, ProcessExit } from './child-service.ts'
import { createLifeLook, isSameProcess, lookForPid } from './life-look.ts'

export interface OwnedProcess {
  readonly identity: ProcessIdentity
  readonly adopted: boolean
  readonly exited: Promise<ProcessExit>
  /** Call when it does not answer: the next look then checks its identity. */
  doubt(): void
  /** Stops watching; leaves the process running. */
  release(): void
}

export type SpawnOutcome =
  | { readonly kind: 'spawned'; readonly process: OwnedProcess }
  /** It ended before its identity could be read. */
  | { readonly kind: 'ended'; readonly exit: ProcessExit }
  | { readonly kind: 'not-spawned'; readonly reason: string }

/** The kernel doesn't report the end of a process that is not our child, so we poll. */
const lookMs = 250

/**
 * Starts `spec` detached in its own process group with its output going to the file `logFd`: the child outlives this
 * core and holds no pipe that would die with it.
 */
export const spawnOwned = async (
  spec: LaunchSpec,
  logFd: number,
  processes: ProcessTable,
): Promise<SpawnOutcome> => {
  const [program, ...args] = spec.argv
  const child = spawn(program, args, {
    cwd: spec.cwd,
    env: { ...spec.env },
    detached: true,
    stdio: ['ignore', logFd, logFd],
  })
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
  const pid = child.pid
  if (pid === undefined) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve))
    return { kind: 'not-spawned', reason: explainSpawnError(error, program, spec.cwd) }
  }
  child.unref()
  const identity = await identifyChild(pid, exited, processes)
  if (identity === null) {
    const exit = await exited
    await endLeftovers(pid, processes)
    return { kind: 'ended', exit }
  }
  return {
    kind: 'spawned',
    process: { identity, adopted: false, exited, doubt: () => {}, release: () => {} },
  }
}

/** null when it has ended. Retries until the identity can be read: giving up would lose a child of ours. */
const identifyChild = async (
  pid: number,
  exited: Promise<ProcessExit>,
  processes: ProcessTable,
): Promise<ProcessIdentity | null> => {
  for (;;) {
    try {
      return await processes.readIdentity(pid)
    } catch {
      if ((await within(exited, lookMs)) !== null) return null
    }
  }
}

const explainSpawnError = (error: Error, program: string, cwd: string): string => {
  if (isErrno(error, 'ENOENT')) return `could not start ${program}: it, or the folder ${cwd}, does not exist`
  if (isErrno(error, 'EACCES')) return `could not start ${program}: this user may not execute it`
  return `could not start ${program}: ${error.message}`
}

/** Takes over a running process of an earlier core. Its exit status stays unknown. */
export const adoptProcess = (identity: ProcessIdentity, processes: ProcessTable): OwnedProcess => {
  let timer: NodeJS.Timeout | null = null
  let released = false
  const life = createLifeLook(identity, processes)
  const exited = new Promise<ProcessExit>((resolve) => {
    const look = async () => {
      if (released) return
      // A failed look doesn't mean that the process has ended.
      const lives = await life.isAlive().catch(() => true)
      if (released) return
      if (lives) timer = setTimeout(look, lookMs)
      else resolve({ exitCode: null, signal: null })
    }
    timer = setTimeout(look, lookMs)
  })
  return {
    identity,
    adopted: true,
    exited,
    doubt: life.doubt,
    release: () => {
      released = true
      if (timer !== null) clearTimeout(timer)
    },
  }
}

/** SIGKILL is not instant for a process in the kernel (freeing a GPU buffer of 75 GB). */
const killDeadlineMs = 15_000

/**
 * Ends the process and every member of its group: SIGTERM, then SIGKILL once `graceOver` settles. Returns the pids that
 * survive. The group can only be ours: the kernel doesn't reuse a group id while the group has members (credentials(7)).
 */
export const endProcess = async (
  { identity, exited }: OwnedProcess,
  graceOver: Promise<unknown>,
  processes: ProcessTable,
): Promise<readonly number[]> => {
  const { pid } = identity
  if (await isSameProcess(identity, processes)) signalGroup(pid, 'SIGTERM')
  const polite = await firstOf<ProcessExit | null>([exited, graceOver.then(() => null)])
  if (polite === null && (await isSameProcess(identity, processes))) signalGroup(pid, 'SIGKILL')
  const exit = polite ?? (await within(exited, killDeadlineMs))
  return exit === null ? [pid] : endLeftovers(pid, processes)
}

/** Ends a process of an earlier core. True when nothing of it is left. */
export const endEarlier = async (
  identity: ProcessIdentity,
  graceMs: number,
  processes: ProcessTable,
): Promise<boolean> => {
  if (!(await isSameProcess(identity, processes))) return true
  const earlier = adoptProcess(identity, processes)
  const graceOver = new Promise<void>((resolve) => setTimeout(resolve, graceMs))
  const left = await endProcess(earlier, graceOver, processes)
  earlier.release()
  return left.length === 0
}

/** Listing a group's members takes a run of `ps` on macOS; checking that it has any takes one system call. */
const membersLookMs = 100

/** Kills what remains in the group right after its leader ended. Returns the pids that survived. */
export const endLeftovers = async (groupId: number, processes: ProcessTable): Promise<readonly number[]> => {
  const startedMs = performance.now()
  let members = await processes.readGroupMembers(groupId)
  let readAtMs = performance.now()
  if (members.length > 0) signalGroup(groupId, 'SIGKILL')
  while (members.length > 0 && performance.now() - startedMs < killDeadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const isDue = performance.now() - readAtMs >= membersLookMs
    if (lookForPid(-groupId) !== 'gone' && !isDue) continue
    members = await processes.readGroupMembers(groupId)
    readAtMs = performance.now()
  }
  return members
}

const signalGroup = (groupId: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-groupId, signal)
  } catch (error) {
    // macOS answers EPERM for a group of zombies (xnu killpg1); our groups hold no other processes.
    if (!isErrno(error, 'ESRCH') && !isErrno(error, 'EPERM')) throw error
  }
}
