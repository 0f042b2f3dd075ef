// Checks on the keys: who can read their files, whether a client key can be guessed, and whether other users may write to Nexus'
// own folders or replace them.

import { type Stats, statSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { isRetired, KeyListSchema, sharedName } from '../access/developer-keys.ts'
import { parseBoundedJson } from '../base/bounded-json.ts'
import { isLoopback } from '../base/local-url.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { judgePrivateFolder, judgeRuntimeFolder, type StateFolder } from '../config/state-folder.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface SecretFile {
  readonly path: string
  readonly mode: number
  readonly uid: number
}

export const judgeSecretFiles = (files: readonly SecretFile[], ownUid: number): Verdict => {
  const foreign = files.filter(({ uid }) => uid !== ownUid)
  const paths = (some: readonly SecretFile[]) => some.map(({ path }) => quoteForShell(path)).join(' ')
  if (foreign.length > 0) {
    return fail(
      `${foreign.map(({ path, uid }) => `${path} belongs to uid ${uid}`).join(', ')}, not to this user (${ownUid})`,
      `sudo chown ${ownUid} ${paths(foreign)}`,
    )
  }
  const open = files.filter(({ mode }) => (mode & 0o077) !== 0)
  if (open.length > 0) {
    const modes = open.map(
      ({ path, mode }) => `${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}`,
    )
    return fail(`other users can read them: ${modes.join(', ')}`, `chmod 600 ${paths(open)}`)
  }
  return files.length === 0
    ? ok('none yet; the first start creates them')
    : ok(`${files.length} files, 0600, ours`)
}

/** Public: printed in the seed's documents. */
const wellKnownKey = 'sk-local-opta'

/** Length times the bits of the distinct characters: catches "password", "aaaaaaaa" and short keys, not every weak key. */
export const estimateKeyBits = (key: string): number => {
  const secret = key.replace(/^sk-(?:[a-z]+-)*/, '')
  const distinct = new Set(secret).size
  return distinct < 2 ? 0 : Math.floor(secret.length * Math.log2(distinct))
}
/** NIST SP 800-131A asks for 112 bits; generated keys have 192. Guessing over the network fails at far fewer. */
const fewestBits = 64

export interface ClientKeyFacts {
  /** Every key that the Router accepts; null when the list cannot be read. */
  readonly keys: readonly string[] | null
  readonly isOpenToNetwork: boolean
  readonly mend: string
}

export const judgeClientKeys = ({ keys, isOpenToNetwork, mend }: ClientKeyFacts): Verdict => {
  if (keys === null) return unknown('the list of client keys cannot be read', 'nexus up')
  if (keys.length === 0) return ok('none yet; the first start creates one of 192 bits')
  const who = isOpenToNetwork ? 'anyone on the network can use it' : 'any program on this machine can use it'
  if (keys.includes(wellKnownKey)) return warn(`${wellKnownKey} is the published example key: ${who}`, mend)
  const weakest = Math.min(...keys.map(estimateKeyBits))
  const count = keys.length === 1 ? 'one key' : `${keys.length} keys`
  return weakest < fewestBits
    ? warn(`${count}, the weakest about ${weakest} bits: it can be guessed`, mend)
    : ok(`${count}, at least ${weakest} bits (estimated)`)
}

/** The Router's keys, plus the profile's key, which it reads at the next start. */
export const readClientKeys = (
  clientsPath: string,
  configuredKey: string | null,
): readonly string[] | null => {
  try {
    const text = readFileOrNull(clientsPath)
    const list = KeyListSchema.parse(text === null ? { keys: [] } : parseBoundedJson(text))
    const configured = configuredKey === null || isRetired(list, configuredKey) ? [] : [configuredKey]
    return [...new Set([...configured, ...list.keys.map(({ key }) => key)])]
  } catch {
    return null
  }
}

/** The profile's key has its own name; the command works before the first start too. */
const mendClientKey = (configuredKey: string | null): string =>
  configuredKey === null
    ? 'Rotate it: nexus key list shows the names, nexus key rotate NAME creates a new key.'
    : `nexus key rotate ${sharedName}`

const readSecretFiles = async (context: DoctorFacts): Promise<readonly SecretFile[]> => {
  const { keysDir, configPath } = context.folder
  const names = await readdir(keysDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const paths = names.map((name) => join(keysDir, name))
  // A config that contains a key is secret too.
  if (context.configState.kind !== 'absent' && /"clientKey"\s*:\s*"/.test(readFileOrNull(configPath) ?? ''))
    paths.push(configPath)
  return Promise.all(
    paths.map(async (path) => {
      const { mode, uid } = await stat(path)
      return { path, mode, uid }
    }),
  )
}

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

export const checksOnKeys: readonly CheckSource[] = [
  {
    id: 'keys.files',
    title: 'Key files',
    why: 'read access to them is access to the model',
    read: async (facts) => judgeSecretFiles(await readSecretFiles(facts), process.getuid?.() ?? 0),
  },
  {
    id: 'keys.client',
    title: 'Client key',
    why: 'it is the only protection of the model from the network',
    read: async ({ folder, chosen }) => {
      const { clientKey, host } = chosen.profile.proxy
      return judgeClientKeys({
        keys: readClientKeys(join(folder.keysDir, 'clients.json'), clientKey),
        isOpenToNetwork: !isLoopback(host),
        mend: mendClientKey(clientKey),
      })
    },
  },
  {
    id: 'keys.folders',
    title: 'Folders',
    why: 'write access to them means control over the programs and the keys',
    read: async ({ folder }) => judgeFolders(readFolders(folder), folder.root, process.geteuid?.() ?? 0),
  },
]
