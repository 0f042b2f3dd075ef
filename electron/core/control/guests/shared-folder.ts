// The sockets in the folder that cores of different users share: whether each belongs to the user that its name claims, and attaching
// to one that lets us in.
//
// Node doesn't tell a socket's peer, so the file must prove it: in a sticky folder only the owner and root can create a
// file of that owner there, or replace it later (unlink(2), rename(2)).
import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { within } from '../../base/first-of.ts'
import { isErrno } from '../../base/private-file.ts'
import { listNames } from '../../base/regular-file.ts'
import { readUserName } from '../../platform/user-name.ts'
import { attachToCore, type ControlClient } from '../client.ts'

export type SharedSocket = ReturnType<typeof readSharedFolder>[number]

/**
 * Lowest user id first: if several users run a core, the oldest account wins, and unlike a file's age an id can't be
 * forged. Empty when the folder is missing or unreadable.
 */
export const readSharedFolder = (sharedDir: string) => {
  const folder = readFileFacts(sharedDir, { follow: true })
  if (folder === null) return []
  return listNames(sharedDir)
    .flatMap((name) => {
      const uid = readSharedSocketName(name)
      const path = join(sharedDir, name)
      const file = uid === null ? null : readFileFacts(path)
      if (uid === null || file === null) return []
      const unsafe = distrustFolder(folder, uid)
      /** Why it isn't that of the user that its name claims, as the rest of a sentence about the file; null: it is genuine. */
      const distrust = unsafe === null ? distrustSocket(file, uid) : `lies in a folder that ${unsafe}`
      return [{ path, uid, distrust }]
    })
    .sort((a, b) => a.uid - b.uid)
}

/** null when missing. A link counts as `other`, not as its target, unless it is to be followed. */
export const readFileFacts = (path: string, { follow = false } = {}): FileFacts | null => {
  try {
    const stats = lstatSync(follow ? realpathSync(path) : path)
    return { kind: kindOf(stats), uid: stats.uid, mode: stats.mode & 0o7777 }
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EACCES')) return null
    throw error
  }
}

const kindOf = (stats: Stats): FileFacts['kind'] =>
  stats.isDirectory() ? 'folder' : stats.isSocket() ? 'socket' : 'other'

export interface FileFacts {
  readonly kind: 'folder' | 'socket' | 'other'
  readonly uid: number
  /** Permission bits, including the sticky bit. */
  readonly mode: number
}

/** Hidden, because the Finder shows /Users/Shared. The number is the id of the user who must own it. */
export const sharedSocketName = (uid: number): string => `.opta-nexus-${uid}.sock`

/** The user id in such a name; null: it is another kind of name. */
export const readSharedSocketName = (name: string): number | null => {
  const uid = Number(/^\.opta-nexus-(0|[1-9][0-9]{0,9})\.sock$/.exec(name)?.[1] ?? Number.NaN)
  return Number.isNaN(uid) ? null : uid
}

const sticky = 0o1000
const writableByOthers = 0o022

/**
 * Why files of `uid` in this folder can't be trusted, as the rest of a sentence about it; null: they can. The folder's owner
 * may replace its files, sticky or not.
 */
export const distrustFolder = (folder: FileFacts, uid: number): string | null => {
  if (folder.kind !== 'folder') return 'is not a folder'
  if (folder.uid !== 0 && folder.uid !== uid) return `belongs to user ${folder.uid}`
  return (folder.mode & writableByOthers) !== 0 && (folder.mode & sticky) === 0
    ? 'may be written to by others and is not sticky'
    : null
}

/** Why this file is not the socket of a core of `uid`, as the rest of a sentence about it; null: it is. */
export const distrustSocket = (file: FileFacts, uid: number): string | null => {
  if (file.uid !== uid) return `belongs to user ${file.uid}, not to user ${uid} as its name claims`
  return file.kind === 'socket' ? null : 'is not a socket'
}

/** The core answers within 1.5 s even if a server that it asks does not. */
const answerMs = 3_000

/**
 * Attaches to another user's core. The client knows the owner's name. null when no core that we may use answers, or this state
 * folder shares none: a socket that is not for us, or without a core behind it, must not keep us from a core of our own.
 */
export const attachAsGuest = async (sharedDir: string | null): Promise<ControlClient | null> => {
  if (sharedDir === null) return null
  for (const { path, uid, distrust } of readSharedFolder(sharedDir)) {
    const client = distrust === null ? await attachIfCore(path, uid) : null
    if (client !== null) return client
  }
  return null
}

const attachIfCore = async (path: string, uid: number): Promise<ControlClient | null> => {
  const client = await attachToCore(path, await readUserName(uid)).catch(() => null)
  if (client === null) return null
  const snapshot = await within(
    client.readSnapshot().catch(() => null),
    answerMs,
  )
  if (snapshot !== null) return client
  client.close()
  return null
}
