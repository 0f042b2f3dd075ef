// Checks on the keys: who may read their files, and whether the clients' key can be guessed.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { isRetired, KeyListSchema, sharedName } from '../access/developer-keys.ts'
import { parseBoundedJson } from '../base/bounded-json.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import { isLoopback } from './checks-on-ports.ts'

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
    return fail(`others may open them: ${modes.join(', ')}`, `chmod 600 ${paths(open)}`)
  }
  return files.length === 0
    ? ok('none made yet; the first start makes them')
    : ok(`${files.length} files, 0600, ours`)
}

/** The seed's documents print it, so everybody knows it. */
export const wellKnownKey = 'sk-local-opta'

/** Characters that differ, and how many there are: catches "password", "aaaaaaaa" and short keys, not every bad one. */
export const estimateKeyBits = (key: string): number => {
  const secret = key.replace(/^sk-(?:[a-z]+-)*/, '')
  const distinct = new Set(secret).size
  return distinct < 2 ? 0 : Math.floor(secret.length * Math.log2(distinct))
}
/** NIST SP 800-131A: at least 112 bits of strength; generated ones have 192. A guess over the network needs far fewer. */
const fewestBits = 64

export interface ClientKeyFacts {
  /** Every key that the Router takes; null when its list cannot be read. */
  readonly keys: readonly string[] | null
  readonly isOpenToNetwork: boolean
  readonly mend: string
}

export const judgeClientKeys = ({ keys, isOpenToNetwork, mend }: ClientKeyFacts): Verdict => {
  if (keys === null) return unknown('the list of client keys cannot be read', 'nexus up')
  if (keys.length === 0) return ok('none made yet; the first start makes one of 192 bits')
  const who = isOpenToNetwork
    ? 'everyone on the network who knows it gets in'
    : 'every program here that knows it gets in'
  if (keys.includes(wellKnownKey)) return warn(`${wellKnownKey} is the published example key: ${who}`, mend)
  const weakest = Math.min(...keys.map(estimateKeyBits))
  const count = keys.length === 1 ? 'one key' : `${keys.length} keys`
  return weakest < fewestBits
    ? warn(`${count}, the weakest of about ${weakest} bits: it can be guessed`, mend)
    : ok(`${count}, at least ${weakest} bits by their looks`)
}

/** What the Router reads, and what the profile will make it read at the next start. */
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

/** The profile's key goes under a name of its own; the command works before the first start too. */
const mendClientKey = (configuredKey: string | null): string =>
  configuredKey === null
    ? 'Rotate it: nexus key list says whose they are, nexus key rotate NAME makes a new one.'
    : `nexus key rotate ${sharedName}`

const readSecretFiles = async (context: DoctorContext): Promise<readonly SecretFile[]> => {
  const { keysDir, configPath } = context.folder
  const names = await readdir(keysDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const paths = names.map((name) => join(keysDir, name))
  // A config with a key in it is a secret too.
  if (context.configState.kind !== 'absent' && /"clientKey"\s*:\s*"/.test(readFileOrNull(configPath) ?? ''))
    paths.push(configPath)
  return Promise.all(
    paths.map(async (path) => {
      const { mode, uid } = await stat(path)
      return { path, mode, uid }
    }),
  )
}

export const checksOnKeys = (context: DoctorContext): readonly CheckSource[] => [
  {
    id: 'keys.files',
    group: 'Ports and keys',
    title: 'Key files',
    why: 'whoever may read them is in',
    read: async () => judgeSecretFiles(await readSecretFiles(context), process.getuid?.() ?? 0),
  },
  {
    id: 'keys.client',
    group: 'Ports and keys',
    title: 'Client key',
    why: 'it is all that stands between the network and the model',
    read: async () =>
      judgeClientKeys({
        keys: readClientKeys(
          join(context.folder.keysDir, 'clients.json'),
          context.chosen.profile.proxy.clientKey,
        ),
        isOpenToNetwork: !isLoopback(context.chosen.profile.proxy.host),
        mend: mendClientKey(context.chosen.profile.proxy.clientKey),
      }),
  },
]
