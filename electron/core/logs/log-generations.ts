// The files of one rotated log, and how a reader detects a rotation from outside.
import { type BigIntStats, constants, readdirSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/*
 * Names: `LOG` is written by the child; `LOG.1` (newest) .. `LOG.keep` are earlier generations and never change again;
 * `LOG.tmp` is a copy being made; `LOG.next` exists only during the few system calls of the switch itself.
 *
 * Everything here relies on this order. One rotation does:
 *   LOG.tmp -> LOG.next,  shift LOG.k -> LOG.k+1,  append the rest,  truncate LOG,  LOG.next -> LOG.1
 * A reader first reads a block of LOG and only then checks LOG.next, then the identity of LOG.1. If LOG.next is absent and
 * LOG.1 is the one it knows, no truncation came before the read: a truncation comes after LOG.next appears and before
 * LOG.1 changes, so the reader would see one of the two. So the block belongs to the generation that the reader assumes,
 * however fast LOG grew again. Otherwise the reader discards the block, reads the rest of the old generation from LOG.1,
 * which is complete by then, and continues at 0.
 */

/** A log position that stays valid across rotations: an offset, and the generation before the one it counts in. */
export interface LogMark {
  readonly previous: string | null
  readonly offset: number
}

export interface LogSegment {
  readonly handle: FileHandle
  readonly start: number
  readonly end: number
}

export interface LogSegments {
  /** Finished generations, which never change again, oldest first. */
  readonly finished: readonly LogSegment[]
  /** The file being written, up to its size when opened; null when it does not exist. */
  readonly current: LogSegment | null
  /** Identity of LOG.1 while the segments were opened. */
  readonly previous: string | null
  /** There were so many rotations since the mark that its generation may be gone and lines may be missing. */
  readonly gap: boolean
  close(): Promise<void>
}

export const temporaryPath = (path: string): string => `${path}.tmp`
export const nextPath = (path: string): string => `${path}.next`
export const generationPath = (path: string, generation: number): string => `${path}.${generation}`

const readStats = (path: string): BigIntStats | null =>
  statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null

/** A later generation may reuse the inode, so the identity includes more; a finished generation never changes, so neither does this. */
const readIdentity = (path: string): string | null => {
  const stats = readStats(path)
  return stats === null ? null : `${stats.ino}:${stats.size}:${stats.mtimeNs}`
}

/** `switching` first, `previous` second: the order of the argument above. */
export const readRotationState = (
  path: string,
): { readonly switching: boolean; readonly previous: string | null } => {
  const switching = readStats(nextPath(path)) !== null
  return { switching, previous: readIdentity(generationPath(path, 1)) }
}

export const readLogSize = (path: string): number => Number(readStats(path)?.size ?? 0n)

const switchPollMs = 5
const switchPolls = 200
const markAttempts = 1000

/** The switch takes microseconds. If its process died during it, readers continue after a second. */
export const waitForSwitch = async (path: string): Promise<string | null> => {
  for (let poll = 0; poll < switchPolls; poll++) {
    const { switching, previous } = readRotationState(path)
    if (!switching) return previous
    await sleep(switchPollMs)
  }
  return readRotationState(path).previous
}

/** The current end of the log. Synchronous, so that nothing written by a child spawned right after is missed. */
export const readLogMark = (path: string): LogMark => {
  // Our own rotation is synchronous too; another process's switch ends within microseconds, unless it died.
  for (let attempt = 1; ; attempt++) {
    const before = readRotationState(path)
    const offset = readLogSize(path)
    const after = readRotationState(path)
    const steady = !before.switching && !after.switching && before.previous === after.previous
    if (steady || attempt === markAttempts) return { previous: after.previous, offset }
  }
}

/** Numbers of the generations that exist, newest (1) first. */
export const readGenerationNumbers = (path: string): readonly number[] => {
  const prefix = `${basename(path)}.`
  let names: readonly string[]
  try {
    names = readdirSync(dirname(path))
  } catch {
    return []
  }
  return names
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,2}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b)
}

const openIfThere = async (path: string): Promise<FileHandle | null> => {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Generations after `previous`, newest first; all of them if it is null or gone. */
const selectGenerations = (path: string, previous: string | null) => {
  const selected: number[] = []
  for (const generation of readGenerationNumbers(path)) {
    const identity = readIdentity(generationPath(path, generation))
    if (identity !== null && identity === previous) return { selected, found: true }
    selected.push(generation)
  }
  return { selected, found: previous === null }
}

const closeAll = async (handles: readonly FileHandle[]): Promise<void> => {
  await Promise.all(handles.map((handle) => handle.close()))
}

const openSegment = async (path: string, wantedStart: number, opened: FileHandle[]) => {
  const handle = await openIfThere(path)
  if (handle === null) return null
  opened.push(handle)
  const { size } = await handle.stat()
  return { handle, start: wantedStart, end: size }
}

const openAttempt = async (path: string, mark: LogMark, opened: FileHandle[]) => {
  const { selected, found } = selectGenerations(path, mark.previous)
  const oldest = selected.at(-1)
  const finished: LogSegment[] = []
  for (const generation of selected.toReversed()) {
    // The mark's generation is read from its offset. If its predecessor is gone, it is the oldest one left, or gone too:
    // using the same offset then repeats no line, but may lose some of a log that was already cut.
    const wanted = generation === oldest ? mark.offset : 0
    const segment = await openSegment(generationPath(path, generation), wanted, opened)
    if (segment !== null) finished.push({ ...segment, start: Math.min(segment.start, segment.end) })
  }
  const current = await openSegment(path, oldest === undefined ? mark.offset : 0, opened)
  // The mark is beyond the end of the current file: it was emptied by hand, so all its content is newer than the mark.
  const emptied = current !== null && current.start > current.end
  return { finished, current: emptied ? { ...current, start: 0 } : current, gap: !found }
}

/** Opens everything from the mark to the end, so that later rotations can't delete it. Close it when done. */
export const openLogSegments = async (path: string, mark: LogMark): Promise<LogSegments> => {
  for (let attempt = 1; ; attempt++) {
    const previous = await waitForSwitch(path)
    const opened: FileHandle[] = []
    try {
      const result = await openAttempt(path, mark, opened)
      const after = readRotationState(path)
      // Under a flood of rotations, accept the last attempt instead of trying for ever.
      if ((!after.switching && after.previous === previous) || attempt === 10) {
        return { ...result, previous, close: () => closeAll(opened) }
      }
      await closeAll(opened)
    } catch (error) {
      await closeAll(opened)
      throw error
    }
  }
}

/** The mark before everything left of the log. */
export const logBeginning: LogMark = { previous: null, offset: 0 }
