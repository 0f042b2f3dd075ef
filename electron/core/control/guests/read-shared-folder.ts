// What lies in the folder where cores of different users meet.
import { lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../../base/private-file.ts'
import { distrustFolder, distrustSocket, type FileFacts, readSharedSocketName } from './shared-socket.ts'

export interface SharedSocket {
  readonly path: string
  /** Whom its name says. */
  readonly uid: number
  /** Why it is not that user's, as the rest of a sentence about the file; null: it is. */
  readonly distrust: string | null
}

/**
 * Lowest number first: when several users run a core, the longest-standing account's is taken, and unlike the age of a
 * file that cannot be made up. Empty when there is no such folder, or none that may be read.
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

/** null when there is none. A link is something else, never what it points to, unless it is to be followed. */
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

const listNames = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
