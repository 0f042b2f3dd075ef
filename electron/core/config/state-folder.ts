// Where everything of ours lives on disk: one folder, 0700, and the names of the files in it.
import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LogId } from '../../contract/service-ids.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { makeFolders, statIfThere } from '../base/regular-file.ts'

export interface StateFolder {
  readonly root: string
  /** What set-up installs: Node, the Python environment, llama-server, the demo model. May be shared by many state folders. */
  readonly runtimeDir: string
  readonly configPath: string
  readonly lastGoodConfigPath: string
  readonly lockPath: string
  readonly ledgerPath: string
  readonly intentPath: string
  /** What the running llama-server said it allocated. */
  readonly allocationsPath: string
  /** Cargo configs that `nexus forge enable` has edited, with what was there before. */
  readonly cargoConfigsPath: string
  /** Which files carry the agents' block. */
  readonly agentsFilesPath: string
  /** On which versions of the system the selfcheck ran. */
  readonly selfcheckPath: string
  /** Models that are to be fetched, for the next core. */
  readonly fetchesPath: string
  /** Where fetched models lie: no part of the state, two developers share it. */
  readonly modelsDir: string
  readonly keysDir: string
  readonly logsDir: string
  readonly proxyDir: string
  /** Conversations that wait for a slot of llama-server's. */
  readonly parkedDir: string
  /** Traefik's two files. */
  readonly gatewayDir: string
  /** Where RAM disks are mounted by default on Linux; macOS has /Volumes. */
  readonly ramDiskRoot: string
  readonly socketPath: string
  /** Where the Router tells about live requests. */
  readonly feedSocketPath: string
  /** Where cores of different users meet; null: this state folder is private, and sees no other. */
  readonly sharedDir: string | null
  readonly logPath: (id: LogId) => string
}

/** sun_path is 104 bytes on macOS and 108 on Linux, NUL included (unix(4), unix(7)). */
export const maxSocketPathBytes = 103

/**
 * macOS: `~/Library/Application Support/Opta Nexus`; Linux: `${XDG_STATE_HOME:-~/.local/state}/opta-nexus`;
 * NEXUS_HOME overrides both, NEXUS_RUNTIME moves what set-up installs and NEXUS_MODELS where fetched models lie. A folder that NEXUS_HOME names meets other users'
 * only where NEXUS_SHARED says.
 */
export const locateStateFolder = (
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  homeDir: string,
): StateFolder => {
  const root = env['NEXUS_HOME'] || defaultRoot(env, platform, homeDir)
  if (!root.startsWith('/')) {
    throw new Error(`NEXUS_HOME is "${root}"; it must be an absolute path, starting with /`)
  }
  const sharedDir = env['NEXUS_SHARED'] || (env['NEXUS_HOME'] ? null : defaultSharedDir(platform))
  if (sharedDir?.startsWith('/') === false) {
    throw new Error(`NEXUS_SHARED is "${sharedDir}"; it must be an absolute path, starting with /`)
  }
  const modelsDir =
    env['NEXUS_MODELS'] ||
    (env['NEXUS_HOME'] ? join(root, 'models') : defaultModelsDir(env, platform, homeDir))
  if (!modelsDir.startsWith('/')) {
    throw new Error(`NEXUS_MODELS is "${modelsDir}"; it must be an absolute path, starting with /`)
  }
  const logsDir = join(root, 'logs')
  return {
    root,
    runtimeDir: env['NEXUS_RUNTIME'] || join(root, 'runtime'),
    configPath: join(root, 'config.json'),
    lastGoodConfigPath: join(root, 'config.last-good.json'),
    lockPath: join(root, 'core.lock'),
    ledgerPath: join(root, 'ledger.json'),
    intentPath: join(root, 'intent.json'),
    allocationsPath: join(root, 'allocations.json'),
    cargoConfigsPath: join(root, 'cargo-configs.json'),
    agentsFilesPath: join(root, 'agents-files.json'),
    selfcheckPath: join(root, 'selfcheck.json'),
    fetchesPath: join(root, 'fetches.json'),
    modelsDir,
    keysDir: join(root, 'keys'),
    logsDir,
    proxyDir: join(root, 'litellm'),
    parkedDir: join(root, 'parked'),
    gatewayDir: join(root, 'gateway'),
    ramDiskRoot: join(root, 'volumes'),
    socketPath: shortEnough(root, 'control.sock', '', platform),
    feedSocketPath: shortEnough(root, 'router.sock', '-router', platform),
    sharedDir,
    logPath: (id) => join(logsDir, `${id}.log`),
  }
}

const defaultRoot = (
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  homeDir: string,
): string =>
  platform === 'darwin'
    ? join(homeDir, 'Library', 'Application Support', 'Opta Nexus')
    : join(env['XDG_STATE_HOME'] || join(homeDir, '.local', 'state'), 'opta-nexus')

const defaultModelsDir = (
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  homeDir: string,
): string =>
  platform === 'darwin'
    ? '/Users/Shared/Models'
    : join(env['XDG_DATA_HOME'] || join(homeDir, '.local', 'share'), 'opta-nexus', 'models')

/**
 * Folders of the system's in which everybody may make files and nobody touch another's (sticky, root's): `/Users/Shared` is
 * `drwxrwxrwt root wheel`, and unlike macOS's /tmp it is not cleaned. $TMPDIR would be each user's own.
 */
const defaultSharedDir = (platform: NodeJS.Platform): string =>
  platform === 'darwin' ? '/Users/Shared' : '/tmp'

/**
 * A path too long for a socket is replaced by one in a folder of this user's, beside the guests' sockets. It has to be the same
 * for a job of launchd, an SSH session and a Terminal window, and to stay: $TMPDIR is another folder over SSH, and macOS cleans
 * it after three days; /tmp on macOS is cleaned too; $HOME may be as long as the state folder, or on a network disk, where no
 * socket can be; a path relative to the working folder would need that one changed in every program that connects. systemd
 * cleans /tmp on Linux, but leaves a socket that somebody listens on (systemd-tmpfiles, `unix_socket_alive`).
 *
 * @param mark tells one state folder's sockets apart where their names are replaced
 */
const shortEnough = (root: string, socketName: string, mark: string, platform: NodeJS.Platform): string => {
  const path = join(root, socketName)
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  return join(defaultSharedDir(platform), `.opta-nexus-${process.getuid?.() ?? 0}`, `${name}${mark}.sock`)
}

/** Where the sockets lie when not in the state folder; null when they do. */
const socketFolderOutside = ({
  root,
  socketPath,
}: Pick<StateFolder, 'root' | 'socketPath'>): string | null =>
  dirname(socketPath) === dirname(join(root, 'control.sock')) ? null : dirname(socketPath)

/**
 * Creates the folders that must be private before anything is written into them. Idempotent. Throws an Error that says what
 * is to be done where that cannot be. Only for whoever writes: reading must work on a disk that is full or read-only.
 */
export const ensureStateFolder = (folder: StateFolder): void => {
  for (const dir of [
    folder.root,
    folder.keysDir,
    folder.logsDir,
    folder.proxyDir,
    folder.parkedDir,
    folder.gatewayDir,
  ]) {
    ensurePrivateFolder(dir, folder.root)
  }
  const runtime = statOrNull(folder.runtimeDir)
  const unsafe =
    runtime === null ? null : judgeRuntimeFolder(folder.runtimeDir, runtime, process.geteuid?.() ?? null)
  if (unsafe !== null) throw new Error(unsafe)
  const outside = socketFolderOutside(folder)
  if (outside !== null) ensureSocketFolder(outside)
}

/**
 * Throws an Error that says what is to be done when another user owns the folder, its keys or its sockets' folder, or may
 * write to them: then nothing in it may be read, and nothing said to who listens there.
 */
export const refuseForeignFolder = (folder: Pick<StateFolder, 'root' | 'keysDir' | 'socketPath'>): void => {
  const { root, keysDir } = folder
  const outside = socketFolderOutside(folder)
  const reason = outside === null ? null : distrustSocketFolder(outside, process.geteuid?.() ?? null)
  if (reason !== null) throw new Error(reason)
  for (const dir of [root, keysDir]) {
    const facts = statOrNull(dir)
    const judgement =
      facts === null ? null : judgePrivateFolder(dir, root, facts, process.geteuid?.() ?? null)
    if (judgement?.kind === 'refused') throw new Error(judgement.reason)
  }
}

/**
 * Why sockets in this folder cannot be relied on, which everybody could have made before us; null: they can, or it does not
 * exist. Not even root may use another user's: that one could put a socket of their own in the place of ours.
 * @param ownUid null where there are no user numbers
 */
export const distrustSocketFolder = (dir: string, ownUid: number | null): string | null => {
  const facts = statIfThere(dir, lstatSync)
  if (facts === null || ownUid === null) return null
  const parent = statSync(dirname(dir))
  const mayBeReplaced = (parent.mode & 0o022) !== 0 && (parent.mode & 0o1000) === 0
  const remedy = 'or name a shorter folder in NEXUS_HOME, whose sockets then lie in it'
  if (mayBeReplaced)
    return (
      `${dirname(dir)} may be written to by others and is not sticky: ` +
      `sudo chmod +t ${quoteForShell(dirname(dir))}, ${remedy}`
    )
  // A link of somebody else's could lead to a folder of ours that others may read.
  if (!facts.isDirectory() || facts.uid !== ownUid)
    return (
      `${dir} should be a folder of this user's (${ownUid}) for the core's sockets, and is ` +
      `${facts.isDirectory() ? `one of uid ${facts.uid}` : 'no folder'}: sudo rm -r ${quoteForShell(dir)}, ${remedy}`
    )
  return null
}

const ensureSocketFolder = (dir: string): void => {
  try {
    mkdirSync(dir, { mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST'))
      throw new Error(
        `${dir}, for the core's sockets, cannot be made (${messageOf(error)}): name a shorter folder in NEXUS_HOME, whose sockets then lie in it`,
      )
  }
  const reason = distrustSocketFolder(dir, process.geteuid?.() ?? null)
  if (reason !== null) throw new Error(reason)
  if ((statSync(dir).mode & 0o777) !== 0o700) chmodSync(dir, 0o700)
}

type FolderJudgement =
  | { readonly kind: 'private' }
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * Whether a folder is for its owner alone, or is to be made so.
 * @param root what is given back as a whole when it belongs to another user
 * @param ownUid null where there are no user numbers
 */
export const judgePrivateFolder = (
  dir: string,
  root: string,
  { uid, mode }: Pick<Stats, 'uid' | 'mode'>,
  ownUid: number | null,
): FolderJudgement => {
  // Closing such a folder (/tmp) would shut every other user out of it.
  if ((mode & 0o1000) !== 0 && (mode & 0o077) !== 0) {
    const inside = quoteForShell(join(dir, 'opta-nexus'))
    return refuse(`${dir} is a folder that all users share: name one inside it, such as NEXUS_HOME=${inside}`)
  }
  if (ownUid === null) return { kind: 'private' }
  if (uid === ownUid && isOpenToWriters(mode, ownUid))
    return refuse(
      `${dir} may be written to by others (mode ${showMode(mode)}), who may have put something into it: look at what is there, then chmod 700 ${quoteForShell(dir)}`,
    )
  if (uid === ownUid) return { kind: (mode & 0o777) === 0o700 ? 'private' : 'open' }
  // What its owner writes into the config is run: by root, that would be with every right there is.
  if (ownUid === 0)
    return refuse(
      `${dir} belongs to uid ${uid} (mode ${showMode(mode)}), and this is root: run nexus as that user, without sudo; or name another folder in NEXUS_HOME; ` +
        `or take it over: chown -R 0 ${quoteForShell(root)} && chmod 700 ${quoteForShell(root)}`,
    )
  return refuse(
    `${dir} belongs to uid ${uid}, not to this user (${ownUid}). If a nexus that was run with sudo made it, give it back: ` +
      `sudo chown -R ${ownUid} ${quoteForShell(root)}; else name another folder in NEXUS_HOME`,
  )
}

/** A group is often a user's own (umask 002), and then closed without a word; root's has other members. */
const isOpenToWriters = (mode: number, ownUid: number): boolean =>
  (mode & (ownUid === 0 ? 0o022 : 0o002)) !== 0

const showMode = (mode: number): string => (mode & 0o777).toString(8)

/**
 * Why programs below this folder cannot be run, as a sentence; null: they can. Unlike the state it may be another user's,
 * root's, and readable by all: many share it.
 */
export const judgeRuntimeFolder = (
  dir: string,
  { uid, mode }: Pick<Stats, 'uid' | 'mode'>,
  ownUid: number | null,
): string | null => {
  if (ownUid === null) return null
  if (uid !== ownUid && uid !== 0)
    return `${dir} belongs to uid ${uid}, who could have other programs run from it: name one of your own, or of root's, in NEXUS_RUNTIME`
  return isOpenToWriters(mode, ownUid)
    ? `${dir} may be written to by others (mode ${showMode(mode)}), who could have other programs run from it: chmod go-w ${quoteForShell(dir)}`
    : null
}

const refuse = (reason: string): FolderJudgement => ({ kind: 'refused', reason })

const statOrNull = (path: string): Stats | null => {
  try {
    return statSync(path)
  } catch {
    // What needs it says so in its own words.
    return null
  }
}

const ensurePrivateFolder = (dir: string, root: string): void => {
  try {
    makeFolders(dir, 0o700)
    const judgement = judgePrivateFolder(dir, root, statSync(dir), process.geteuid?.() ?? null)
    switch (judgement.kind) {
      case 'private':
        return
      case 'open':
        chmodSync(dir, 0o700)
        return
      case 'refused':
        throw new Error(judgement.reason)
    }
  } catch (error) {
    if (isErrno(error, 'EROFS'))
      throw new Error(`${dir} is on a read-only disk: name a folder on another one in NEXUS_HOME`)
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) {
      const make = `sudo install -d -m 700 -o ${process.geteuid?.() ?? 0} ${quoteForShell(dir)}`
      throw new Error(
        `${dir} cannot be made (${messageOf(error)}): make it with ${make}, or name another folder in NEXUS_HOME`,
      )
    }
    throw error
  }
}
