// Whether a socket in a folder that every user may write to is what its name says. Pure.
//
// Node does not say who is at the other end of a socket, so the file has to: only its owner and root can put a
// file of that owner's there, or take its place later, as long as the folder is sticky (unlink(2), rename(2)).

export interface FileFacts {
  readonly kind: 'folder' | 'socket' | 'other'
  readonly uid: number
  /** Permission bits with the sticky one. */
  readonly mode: number
}

/** Hidden, since the Finder shows /Users/Shared. The number says whose it has to be. */
export const sharedSocketName = (uid: number): string => `.opta-nexus-${uid}.sock`

/** The user in such a name; null: it is none. */
export const readSharedSocketName = (name: string): number | null => {
  const uid = Number(/^\.opta-nexus-(0|[1-9][0-9]{0,9})\.sock$/.exec(name)?.[1] ?? Number.NaN)
  return Number.isNaN(uid) ? null : uid
}

const sticky = 0o1000
const writableByOthers = 0o022

/**
 * Why files of `uid` in this folder cannot be relied on, as the rest of a sentence about it; null: they can. Its own owner
 * may replace what is in it, sticky or not.
 */
export const distrustFolder = (folder: FileFacts, uid: number): string | null => {
  if (folder.kind !== 'folder') return 'is no folder'
  if (folder.uid !== 0 && folder.uid !== uid) return `belongs to user ${folder.uid}`
  return (folder.mode & writableByOthers) !== 0 && (folder.mode & sticky) === 0
    ? 'may be written to by others and is not sticky'
    : null
}

/** Why this file is not the socket of a core of `uid`, as the rest of a sentence about it; null: it is. */
export const distrustSocket = (file: FileFacts, uid: number): string | null => {
  if (file.uid !== uid) return `belongs to user ${file.uid}, not to user ${uid} whom its name says`
  return file.kind === 'socket' ? null : 'is no socket'
}
