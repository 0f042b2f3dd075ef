// Where our files are on disk: one folder, 0700, and the names of the files in it.
import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LogId } from '../../contract/service-ids.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { makeFolders, statIfThere } from '../base/regular-file.ts'

export type StateFolder = Readonly<ReturnType<typeof locateStateFolder>>

/** sun_path is 104 bytes on macOS and 108 on Linux, NUL included (unix(4), unix(7)). */
export const maxSocketPathBytes = 103

/**
 * macOS: `~/Library/Application Support/Opta Nexus`; Linux: `${XDG_STATE_HOME:-~/.local/state}/opta-nexus`;
 * NEXUS_HOME overrides both, NEXUS_RUNTIME moves what set-up installs, NEXUS_MODELS the fetched models. With NEXUS_HOME, cores
 * of other users are found only through NEXUS_SHARED.
 */
export const locateStateFolder = (
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  homeDir: string,
) => {
  const root = env['NEXUS_HOME'] || defaultRoot(env, platform, homeDir)
  const sharedDir = env['NEXUS_SHARED'] || (env['NEXUS_HOME'] ? null : defaultSharedDir(platform))
  const modelsDir =
    env['NEXUS_MODELS'] ||
    (env['NEXUS_HOME'] ? join(root, 'models') : defaultModelsDir(env, platform, homeDir))
  for (const [name, dir] of Object.entries({
    NEXUS_HOME: root,
    NEXUS_SHARED: sharedDir,
    NEXUS_MODELS: modelsDir,
  }))
    if (dir?.startsWith('/') === false)
      throw new Error(`${name} is "${dir}"; it must be an absolute path, starting with /`)
  const logsDir = join(root, 'logs')
  return {
    root,
    /** Set-up installs here: Node, the Python environment, llama-server, the demo model. Several state folders may share it. */
    runtimeDir: env['NEXUS_RUNTIME'] || join(root, 'runtime'),
    configPath: join(root, 'config.json'),
    lastGoodConfigPath: join(root, 'config.last-good.json'),
    lockPath: join(root, 'core.lock'),
    ledgerPath: join(root, 'ledger.json'),
    intentPath: join(root, 'intent.json'),
    /** The running llama-server's allocations. */
    allocationsPath: join(root, 'allocations.json'),
    /** Cargo configs that `nexus forge enable` edited, with their previous content. */
    cargoConfigsPath: join(root, 'cargo-configs.json'),
    /** Files that contain the agents' block. */
    agentsFilesPath: join(root, 'agents-files.json'),
    /** OS versions that the selfcheck ran on. */
    selfcheckPath: join(root, 'selfcheck.json'),
    /** Pending model fetches, for the next core. */
    fetchesPath: join(root, 'fetches.json'),
    /** Fetched models; not part of the state, because two developers share it. */
    modelsDir,
    keysDir: join(root, 'keys'),
    logsDir,
    proxyDir: join(root, 'litellm'),
    /** Conversations waiting for a slot of llama-server. */
    parkedDir: join(root, 'parked'),
    /** Traefik's two files. */
    gatewayDir: join(root, 'gateway'),
    /** Where RAM disks are mounted by default on Linux; macOS has /Volumes. */
    ramDiskRoot: join(root, 'volumes'),
    socketPath: shortEnough(root, 'control.sock', '', platform),
    /** Where the Router reports live requests. */
    feedSocketPath: shortEnough(root, 'router.sock', '-router', platform),
    /** Where cores of different users find each other; null: this state folder is isolated. */
    sharedDir,
    logPath: (id: LogId): string => join(logsDir, `${id}.log`),
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
 * System folders where every user may create files but not touch those of others (sticky, owned by root): `/Users/Shared` is
 * `drwxrwxrwt root wheel`, and unlike macOS's /tmp it isn't cleaned. $TMPDIR differs per user.
 */
const defaultSharedDir = (platform: NodeJS.Platform): string =>
  platform === 'darwin' ? '/Users/Shared' : '/tmp'

/**
 * A path too long for a socket is replaced by one in this user's folder next to the guests' sockets. It must be the same for a
 * launchd job, an SSH session and a Terminal window, and it must persist: $TMPDIR differs over SSH, and macOS cleans it after
 * three days; /tmp on macOS is cleaned too; $HOME may be as long as the state folder, or on a network disk, which can't hold
 * sockets; a path relative to the working folder would require every connecting program to change its own. On Linux systemd
 * cleans /tmp but keeps sockets in use (systemd-tmpfiles, `unix_socket_alive`).
 *
 * @param mark distinguishes the replaced sockets of one state folder
 */
const shortEnough = (root: string, socketName: string, mark: string, platform: NodeJS.Platform): string => {
  const path = join(root, socketName)
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  return join(defaultSharedDir(platform), `.opta-nexus-${process.getuid?.() ?? 0}`, `${name}${mark}.sock`)
}

const ownUid = (): number => process.geteuid?.() ?? 0

/** The sockets' folder; null when it is the state folder. */
const socketFolderOutside = ({
  root,
  socketPath,
}: Pick<StateFolder, 'root' | 'socketPath'>): string | null =>
  dirname(socketPath) === dirname(join(root, 'control.sock')) ? null : dirname(socketPath)

/**
 * Creates the private folders before anything is written into them. Idempotent. Throws an Error with the remedy when it can't.
 * Only for writers: reading must work on a full or read-only disk.
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
  const unsafe = runtime === null ? null : judgeRuntimeFolder(folder.runtimeDir, runtime, ownUid())
  if (unsafe !== null) throw new Error(unsafe)
  const outside = socketFolderOutside(folder)
  if (outside !== null) ensureSocketFolder(outside)
}

/**
 * Throws an Error with the remedy when another user owns, or can write to, the folder, its keys or its sockets' folder: then
 * we must not read anything in it, nor talk to its sockets.
 */
export const refuseForeignFolder = (folder: Pick<StateFolder, 'root' | 'keysDir' | 'socketPath'>): void => {
  const { root, keysDir } = folder
  const outside = socketFolderOutside(folder)
  const reason = outside === null ? null : distrustSocketFolder(outside, ownUid())
  if (reason !== null) throw new Error(reason)
  for (const dir of [root, keysDir]) {
    const facts = statOrNull(dir)
    const refusal = facts === null ? null : judgePrivateFolder(dir, root, facts, ownUid())
    if (refusal !== null) throw new Error(refusal)
  }
}

/**
 * Why sockets in this folder can't be trusted (any user could have created it before us); null: they can, or it doesn't exist.
 * Even root must not use another user's folder: its owner could replace our socket.
 */
export const distrustSocketFolder = (dir: string, ownUid: number): string | null => {
  const facts = statIfThere(dir, lstatSync)
  if (facts === null) return null
  const parent = statSync(dirname(dir))
  const mayBeReplaced = (parent.mode & 0o022) !== 0 && (parent.mode & 0o1000) === 0
  const remedy = 'or set NEXUS_HOME to a shorter folder, which then holds its own sockets'
  if (mayBeReplaced)
    return (
      `${dirname(dir)} is writable by others and not sticky: ` +
      `sudo chmod +t ${quoteForShell(dirname(dir))}, ${remedy}`
    )
  // Another user's link could lead to a folder of ours that others can read.
  if (!facts.isDirectory() || facts.uid !== ownUid)
    return (
      `${dir}, for the core's sockets, must be a folder owned by this user (${ownUid}), but is ` +
      `${facts.isDirectory() ? `owned by uid ${facts.uid}` : 'not a folder'}: sudo rm -r ${quoteForShell(dir)}, ${remedy}`
    )
  return null
}

const ensureSocketFolder = (dir: string): void => {
  try {
    mkdirSync(dir, { mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST'))
      throw new Error(
        `${dir}, for the core's sockets, cannot be created (${messageOf(error)}): set NEXUS_HOME to a shorter folder, which then holds its own sockets`,
      )
  }
  const reason = distrustSocketFolder(dir, ownUid())
  if (reason !== null) throw new Error(reason)
  if ((statSync(dir).mode & 0o777) !== 0o700) chmodSync(dir, 0o700)
}

/**
 * Why a folder can't be made private to its owner; null: it is private, or this user can make it so (chmod 700).
 * @param root the folder to chown as a whole when it belongs to another user
 */
export const judgePrivateFolder = (
  dir: string,
  root: string,
  { uid, mode }: Pick<Stats, 'uid' | 'mode'>,
  ownUid: number,
): string | null => {
  // Making such a folder (/tmp) private would lock out every other user.
  if ((mode & 0o1000) !== 0 && (mode & 0o077) !== 0) {
    const inside = quoteForShell(join(dir, 'opta-nexus'))
    return `${dir} is shared by all users: use a folder inside it, such as NEXUS_HOME=${inside}`
  }
  if (uid === ownUid)
    return isOpenToWriters(mode, ownUid)
      ? `${dir} is writable by others (mode ${showMode(mode)}), who may have put something into it: check its contents, then chmod 700 ${quoteForShell(dir)}`
      : null
  // The owner's config determines what is run; root would run it with full privileges.
  if (ownUid === 0)
    return (
      `${dir} belongs to uid ${uid} (mode ${showMode(mode)}), but this is root: run nexus as that user, without sudo; or set NEXUS_HOME to another folder; ` +
      `or take it over: chown -R 0 ${quoteForShell(root)} && chmod 700 ${quoteForShell(root)}`
    )
  return (
    `${dir} belongs to uid ${uid}, not to this user (${ownUid}). If nexus was run with sudo and created it, give it back: ` +
    `sudo chown -R ${ownUid} ${quoteForShell(root)}; otherwise set NEXUS_HOME to another folder`
  )
}

/** A user's group is often private (umask 002), so its write bit is ignored; root's group has other members. */
const isOpenToWriters = (mode: number, ownUid: number): boolean =>
  (mode & (ownUid === 0 ? 0o022 : 0o002)) !== 0

const showMode = (mode: number): string => (mode & 0o777).toString(8)

/**
 * Why programs in this folder must not be run, as a sentence; null: they may. Unlike the state folder it may belong to root and
 * be readable by all, because it is shared.
 */
export const judgeRuntimeFolder = (
  dir: string,
  { uid, mode }: Pick<Stats, 'uid' | 'mode'>,
  ownUid: number,
): string | null => {
  if (uid !== ownUid && uid !== 0)
    return `${dir} belongs to uid ${uid}, who could replace the programs in it: set NEXUS_RUNTIME to a folder owned by you or root`
  return isOpenToWriters(mode, ownUid)
    ? `${dir} is writable by others (mode ${showMode(mode)}), who could replace the programs in it: chmod go-w ${quoteForShell(dir)}`
    : null
}

const statOrNull = (path: string): Stats | null => {
  try {
    return statSync(path)
  } catch {
    // Whatever needs it reports the error.
    return null
  }
}

const ensurePrivateFolder = (dir: string, root: string): void => {
  try {
    makeFolders(dir, 0o700)
    const stats = statSync(dir)
    const refusal = judgePrivateFolder(dir, root, stats, ownUid())
    if (refusal !== null) throw new Error(refusal)
    if ((stats.mode & 0o777) !== 0o700) chmodSync(dir, 0o700)
  } catch (error) {
    if (isErrno(error, 'EROFS'))
      throw new Error(`${dir} is on a read-only disk: set NEXUS_HOME to a folder on another disk`)
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) {
      const make = `sudo install -d -m 700 -o ${ownUid()} ${quoteForShell(dir)}`
      throw new Error(
        `${dir} cannot be created (${messageOf(error)}): create it with ${make}, or set NEXUS_HOME to another folder`,
      )
    }
    throw error
  }
}
