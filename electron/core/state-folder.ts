// Where everything of ours lives on disk: one folder, 0700, and the names of the files in it.
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogId } from '../contract.ts'

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
  readonly keysDir: string
  readonly logsDir: string
  readonly proxyDir: string
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
 * NEXUS_HOME overrides both, and NEXUS_RUNTIME moves what set-up installs. A folder that NEXUS_HOME names meets other users'
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
    keysDir: join(root, 'keys'),
    logsDir,
    proxyDir: join(root, 'litellm'),
    gatewayDir: join(root, 'gateway'),
    ramDiskRoot: join(root, 'volumes'),
    socketPath: shortEnough(root, 'control.sock', ''),
    feedSocketPath: shortEnough(root, 'router.sock', '-router'),
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

/**
 * Folders of the system's in which everybody may make files and nobody touch another's (sticky, root's): `/Users/Shared` is
 * `drwxrwxrwt root wheel`, and unlike macOS's /tmp it is not cleaned. $TMPDIR would be each user's own.
 */
const defaultSharedDir = (platform: NodeJS.Platform): string =>
  platform === 'darwin' ? '/Users/Shared' : '/tmp'

/** @param mark tells one state folder's sockets apart where their names are replaced */
const shortEnough = (root: string, socketName: string, mark: string): string => {
  const path = join(root, socketName)
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  return join(tmpdir(), `opta-nexus-${process.getuid?.() ?? 0}`, `${name}${mark}.sock`)
}

/** Creates the folders that must be private before anything is written into them. Idempotent. */
export const ensureStateFolder = (folder: StateFolder): void => {
  for (const dir of [
    folder.root,
    folder.keysDir,
    folder.logsDir,
    folder.proxyDir,
    folder.gatewayDir,
    join(folder.socketPath, '..'),
  ]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    chmodSync(dir, 0o700)
  }
}
