// The sockets in the folder that cores of different users share.
import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../../base/private-file.ts'
import { listNames } from '../../base/regular-file.ts'
import { distrustFolder, distrustSocket, type FileFacts, readSharedSocketName } from './shared-socket.ts'

export interface SharedSocket {
  readonly path: string
  /** The user that its name claims. */
  readonly uid: number
  /** Why it is not that user's, as the rest of a sentence about the file; null: it is genuine. */
  readonly distrust: string | null
}

/**
 * Lowest user id first: if several users run a core, the oldest account wins, and unlike a file's age an id can't be
 * forged. Empty when the folder is missing or unreadable.
 */
export const readSharedFolder = (sharedDir: string): readonly SharedSocket[] => {
  const folder = readFileFacts(sharedDir, { follow: true })
  if (folder === null) return []
  const sockets: SharedSocket[] = []
  for (const name of listNames(sharedDir)) {
    const uid = readSharedSocketName(name)
    const path = join(sharedDir, name)
    const file = uid === null ? null : readFileFacts(path)
    if (uid === null || file === null) continue
    const unsafe = distrustFolder(folder, uid)
    const distrust = unsafe === null ? distrustSocket(file, uid) : `lies in a folder that ${unsafe}`
    sockets.push({ path, uid, distrust })
  }
  return sockets.sort((a, b) => a.uid - b.uid)
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
