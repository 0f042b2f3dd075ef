// Check on Nexus' own folders: whether other users may write to them or replace them.
import { type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { judgePrivateFolder, judgeRuntimeFolder, type StateFolder } from '../config/state-folder.ts'
import { type CheckSource, fail, ok, type Verdict, warn } from './check.ts'

export interface FolderFacts {
  readonly path: string
  /** `private`: only for its owner. `runtime`: holds the programs we run. `above`: a parent of one of these. */
  readonly role: 'private' | 'runtime' | 'above'
  readonly uid: number
  readonly mode: number
}

/** @param root the folder whose owner is changed as a whole */
export const judgeFolders = (folders: readonly FolderFacts[], root: string, ownUid: number): Verdict => {
  for (const { path, role, ...facts } of folders) {
    if (role === 'runtime') {
      const unsafe = judgeRuntimeFolder(path, facts, ownUid)
      if (unsafe !== null) return fail(unsafe, `chmod go-w ${quoteForShell(path)}`)
    } else if (role === 'private') {
      const refusal = judgePrivateFolder(path, root, facts, ownUid)
      if (refusal !== null) return fail(refusal, `ls -ld ${quoteForShell(path)}`)
      if ((facts.mode & 0o777) !== 0o700)
        return warn(
          `${path} has mode ${(facts.mode & 0o777).toString(8)}: other users may read it; the next start closes it`,
          `chmod 700 ${quoteForShell(path)}`,
        )
    } else if ((facts.mode & 0o002) !== 0 && (facts.mode & 0o1000) === 0)
      // rename(2): write permission on a folder is enough to replace what is in it.
      return fail(
        `${path} is writable for every user, so anyone could replace the folders in it`,
        `chmod o-w ${quoteForShell(path)}`,
      )
  }
  return ok(`${folders.filter(({ role }) => role !== 'above').length} folders, none writable for other users`)
}

const readFolders = (folder: StateFolder): readonly FolderFacts[] => {
  const places: readonly (readonly [string, FolderFacts['role']])[] = [
    [folder.root, 'private'],
    [folder.keysDir, 'private'],
    [folder.logsDir, 'private'],
    [folder.proxyDir, 'private'],
    [dirname(folder.socketPath), 'private'],
    [folder.runtimeDir, 'runtime'],
    ...listAbove(folder.root),
    ...listAbove(folder.runtimeDir),
  ]
  const seen = new Map(places.map(([path, role]) => [`${role} ${path}`, { path, role }]))
  return [...seen.values()].flatMap(({ path, role }) => {
    const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false })
    return stats === undefined ? [] : [{ path, role, uid: stats.uid, mode: stats.mode }]
  })
}

const listAbove = (path: string): readonly (readonly [string, 'above'])[] => {
  const parent = dirname(path)
  return parent === path ? [] : [[parent, 'above'], ...listAbove(parent)]
}

export const checksOnFolders: readonly CheckSource[] = [
  {
    id: 'keys.folders',
    title: 'Folders',
    why: 'write access to them means control over the programs and the keys',
    read: async ({ folder }) => judgeFolders(readFolders(folder), folder.root, process.geteuid?.() ?? 0),
  },
]
