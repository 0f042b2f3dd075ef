// The files of one rotated log, and how a reader detects a rotation from outside.
import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { listNames } from '../base/regular-file.ts'

/*
 * Names: `LOG` is written by the child. `LOG.1`, `LOG.2`, ... are earlier generations, the highest number the newest; they are
 * never changed or renamed, only deleted. `LOG.tmp` is a copy being made; `LOG.next` exists only during the few system calls
 * of the switch itself.
 *
 * Everything here relies on this order. One rotation does:
 *   LOG.tmp -> LOG.next,  append the rest,  truncate LOG,  LOG.next -> LOG.N
 * A reader of generation N that finds no LOG.N reads a block of LOG and only then checks LOG.next, then LOG.N. If both are
 * absent, no truncation came before the read: a truncation comes after LOG.next appears and before LOG.N does, so the reader
 * would see one of the two. So the block belongs to generation N, however fast LOG grew again. Otherwise the reader discards
 * the block and reads LOG.N, which is complete by then.
 */

/** A log position that stays valid across rotations: an offset in the generation after LOG.`previous` (0: none yet). */
export interface LogMark {
  readonly previous: number
  readonly offset: number
}

/** The mark before everything left of the log. */
export const logBeginning: LogMark = { previous: 0, offset: 0 }

export const temporaryPath = (path: string): string => `${path}.tmp`
export const nextPath = (path: string): string => `${path}.next`
export const generationPath = (path: string, generation: number): string => `${path}.${generation}`

/** In bytes; 0 when there is no such file. */
export const readFileBytes = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Numbers of the generations that exist, newest first. */
export const readGenerationNumbers = (path: string): readonly number[] => {
  const prefix = `${basename(path)}.`
  return listNames(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,14}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => b - a)
}

/** `isSwitching` first, `generations` second: the order of the argument above. */
export const readRotationState = (
  path: string,
): { readonly isSwitching: boolean; readonly generations: readonly number[] } => {
  const isSwitching = statSync(nextPath(path), { throwIfNoEntry: false }) !== undefined
  return { isSwitching, generations: readGenerationNumbers(path) }
}

const switchPollMs = 5
const switchPolls = 200

/**
 * The generations, newest first, once no switch is under way. A switch takes microseconds. If its process died during it,
 * readers continue after a second.
 */
export const readSettledGenerations = async (path: string): Promise<readonly number[]> => {
  for (let poll = 0; ; poll++) {
    const { isSwitching, generations } = readRotationState(path)
    if (!isSwitching || poll === switchPolls) return generations
    await sleep(switchPollMs)
  }
}

/** The current end of the log. Synchronous, so that nothing written by a child spawned right after is missed. */
export const readLogMark = (path: string): LogMark => ({
  previous: readGenerationNumbers(path)[0] ?? 0,
  offset: readFileBytes(path),
})

/** The mark `bytes` before `end`, but not before `floor` nor before what is left of the log. */
export const readMarkBefore = (
  path: string,
  { end, bytes, floor }: { readonly end: LogMark; readonly bytes: number; readonly floor: LogMark },
): { readonly mark: LogMark; readonly isFloor: boolean } => {
  const generations = new Set(readGenerationNumbers(path))
  let { previous, offset } = end
  let left = bytes
  for (;;) {
    const isLast = previous <= floor.previous || !generations.has(previous)
    // A floor beyond the end: the log was emptied by hand, so everything in it is newer than the floor.
    const first = previous === floor.previous && floor.offset <= offset ? floor.offset : 0
    if (offset - left > first) return { mark: { previous, offset: offset - left }, isFloor: false }
    if (isLast) return { mark: { previous, offset: first }, isFloor: true }
    left -= offset
    offset = readFileBytes(generationPath(path, previous))
    previous -= 1
  }
}
