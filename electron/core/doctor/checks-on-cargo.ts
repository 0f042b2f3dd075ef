// Checks on where cargo builds: whether it targets the RAM disk, whether that works, and who else can build there.
import { join } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { configPathIn } from '../forge/cargo-config-file.ts'
import { type CargoBuildSettings, readCargoConfig } from '../forge/cargo-config-text.ts'
import { abilityOf, type CargoReading, readCargoVersion } from '../forge/cargo-version.ts'
import { includePathOf, isPrepared } from '../forge/forge-layout.ts'
import { listWorkspaces } from '../forge/forge-workspaces.ts'
import { findSharedCheckouts } from '../forge/shared-checkout.ts'
import { canonicalMountPoint, lstatOrNull } from '../platform/mount-point.ts'
import { readUserName } from '../platform/user-name.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface CargoSetting {
  /** null: the file could not be parsed; `unclear` says why. */
  readonly settings: CargoBuildSettings | null
  readonly unclear: string | null
  readonly configPath: string
  /** CARGO_BUILD_BUILD_DIR and CARGO_TARGET_DIR, which override the file; null when not set. */
  readonly envBuildDir: string | null
  readonly envTargetDir: string | null
}

/** null: cargo is not installed. */
export const readCargoSetting = async (
  env: DoctorFacts['env'],
  homeDir: string,
): Promise<CargoSetting | null> => {
  const cargoHome = env['CARGO_HOME'] || join(homeDir, '.cargo')
  if ((await lstatOrNull(cargoHome)) === null) return null
  const configPath = configPathIn(cargoHome)
  const reading = readCargoConfig(readFileOrNull(configPath) ?? '')
  return {
    settings: reading.kind === 'settings' ? reading.settings : null,
    unclear: reading.kind === 'unclear' ? reading.reason : null,
    configPath,
    envBuildDir: env['CARGO_BUILD_BUILD_DIR'] || null,
    envTargetDir: env['CARGO_TARGET_DIR'] || null,
  }
}

export const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`)

export interface CargoFacts extends CargoSetting {
  readonly mountPoint: string
  readonly diskBytes: number
  readonly mounted: boolean
  readonly prepared: boolean
  readonly cargo: CargoReading
  readonly up: string
}

/** One crate with a few dependencies fills half a gigabyte; a smaller disk is for trying it out, not for building on. */
const leastUsefulBytes = 2 * 2 ** 30
const enable = 'nexus forge enable'

export const judgeCargo = (facts: CargoFacts): Verdict => {
  const { mountPoint, configPath, settings, envBuildDir, cargo } = facts
  const targetDir = facts.envTargetDir ?? settings?.targetDir ?? null
  if (targetDir !== null && isBelow(targetDir, mountPoint)) return judgeTargetDir(targetDir, facts)
  if (settings === null)
    return unknown(`cannot parse ${configPath}: ${facts.unclear}`, `Fix ${configPath}, then: ${enable}`)
  const buildDir = envBuildDir ?? settings.buildDir
  const where = envBuildDir === null ? configPath : 'CARGO_BUILD_BUILD_DIR'
  if (buildDir !== null && isBelow(buildDir, mountPoint)) return judgeFixedPath(buildDir, where, facts)
  if (buildDir === null && settings.includes.includes(includePathOf(mountPoint))) return judgeInclude(facts)
  if (facts.diskBytes < leastUsefulBytes)
    return ok(`builds elsewhere; ${formatBytes(facts.diskBytes)} would be too small`)
  if (buildDir !== null)
    return warn(
      `${where} sends builds to ${buildDir}, not to the RAM disk`,
      `Remove build-dir from ${where}, then: ${enable}`,
    )
  if (cargo.kind === 'found' && abilityOf(cargo.version) === 'too-old')
    return warn(
      `cargo ${cargo.version.text} cannot build on the RAM disk and keep finished programs in target/: that needs 1.91`,
      'rustup update',
    )
  return warn('cargo builds on the disk: it is not set up to use the RAM disk', enable)
}

const judgeTargetDir = (
  targetDir: string,
  { envTargetDir, configPath, mounted, mountPoint, up }: CargoFacts,
): Verdict =>
  mounted
    ? warn(
        `finished programs go to ${targetDir} too: ejecting loses them, builds fail without the RAM disk, and projects that share the folder wait for each other's lock`,
        envTargetDir === null
          ? `Remove target-dir from ${configPath}, then: ${enable}`
          : `unset CARGO_TARGET_DIR; ${enable}`,
      )
    : fail(
        `${envTargetDir === null ? configPath : 'CARGO_TARGET_DIR'} sends builds to ${targetDir}, and ${mountPoint} is not mounted: they fail`,
        `${up} --only ramDisk`,
      )

const judgeFixedPath = (
  buildDir: string,
  where: string,
  { cargo, mounted, mountPoint, up }: CargoFacts,
): Verdict => {
  if (!mounted)
    return fail(
      `${where} sends builds to ${buildDir}, and ${mountPoint} is not mounted: they fail`,
      `${up} --only ramDisk`,
    )
  if (!buildDir.includes('{workspace-path-hash}'))
    return warn(
      `${where} sends all projects to ${buildDir}, where they wait for each other's lock`,
      `Remove it from ${where}, then: ${enable}`,
    )
  const canInclude = cargo.kind === 'found' && abilityOf(cargo.version) === 'include'
  return canInclude
    ? warn(
        `${where} sends builds to ${buildDir}, mounted or not: without the RAM disk they fail`,
        `Remove it from ${where}, then: ${enable}`,
      )
    : ok(`${where} sends builds to ${buildDir}`)
}

const judgeInclude = ({ cargo, configPath, mounted, prepared, mountPoint, up }: CargoFacts): Verdict => {
  if (cargo.kind === 'found' && abilityOf(cargo.version) !== 'include')
    return warn(
      `${configPath} includes a file of the RAM disk, which cargo ${cargo.version.text} does not understand: it builds on the disk`,
      `nexus forge disable && ${enable}`,
    )
  if (!mounted) return ok(`builds go to ${mountPoint} when it is mounted, and to target/ on the disk now`)
  return prepared
    ? ok(`builds go to ${mountPoint} (${configPath})`)
    : warn(
        `${mountPoint} is not prepared for cargo: builds go to target/ on the disk`,
        `${up} --only ramDisk`,
      )
}

export interface SharingFacts {
  readonly disk: RamDisk
  /** Its line from mount(8) on a Mac; null elsewhere. */
  readonly mountLine: string | null
  readonly sharedCheckouts: readonly { readonly path: string; readonly builtBy: string }[]
}

export const judgeSharing = ({ disk, mountLine, sharedCheckouts }: SharingFacts): Verdict => {
  if (disk.kind === 'shm-folder') return ok('only for you: a folder in /dev/shm that is closed to others')
  if (mountLine !== null && /\bnoowners\b/.test(mountLine))
    return warn(
      'mounted without ownership, the macOS default for disks that a normal user attaches: every developer may read, change and delete every file on it, and nexus forge status tells whose they are by the workspace',
      `sudo diskutil enableOwnership ${quoteForShell(disk.mountPoint)}`,
    )
  if (sharedCheckouts.length > 0) {
    const whose = sharedCheckouts.map(({ path, builtBy }) => `${path} (${builtBy})`).join(', ')
    const files = sharedCheckouts.map(({ path }) => join(path, '.cargo', 'config.toml')).join(', ')
    return warn(
      `only the developer who first built a shared checkout can build it on the RAM disk; for the others cargo fails with "Permission denied": ${whose}`,
      `Put build-dir = "target" under [build] into ${files}: that checkout then builds on the disk for everyone. Or give each developer a clone.`,
    )
  }
  return ok("no checkout is shared by several developers, and none can change another's builds")
}

export const checksOnCargo: readonly CheckSource[] = [
  {
    id: 'forge.cargo',
    title: 'Cargo',
    why: 'a RAM disk without builds only wastes memory',
    read: async (facts) => {
      const { mountPoint, sizeBytes } = facts.spec
      const setting = await readCargoSetting(facts.env, facts.homeDir)
      if (setting === null) return null
      const [{ mounted }, cargo] = await Promise.all([
        facts.ramDisk(),
        readCargoVersion(facts.homeDir, facts.env),
      ])
      const prepared = mounted && isPrepared(mountPoint)
      const up = facts.upCommand
      return judgeCargo({ ...setting, mountPoint, diskBytes: sizeBytes, mounted, prepared, cargo, up })
    },
  },
  {
    id: 'forge.sharing',
    title: 'Several developers',
    why: "developers must not be able to change each other's builds",
    read: async ({ ramDisk, spec, platform, run }) => {
      const disk = await ramDisk()
      if (!disk.mounted) return null
      const place = await canonicalMountPoint(spec.mountPoint)
      const table = platform.id === 'darwin' ? await run(['mount']) : null
      const { workspaces } = await listWorkspaces(place)
      const ownUid = process.getuid?.() ?? null
      const shared = findSharedCheckouts(workspaces, { platform: platform.id, ownUid })
      return judgeSharing({
        disk,
        mountLine:
          table?.kind === 'exited'
            ? (table.stdout.split('\n').find((line) => line.includes(` on ${place} (`)) ?? null)
            : null,
        sharedCheckouts: await Promise.all(
          shared.map(async ({ path, uid }) => ({ path, builtBy: await readUserName(uid) })),
        ),
      })
    },
  },
]
