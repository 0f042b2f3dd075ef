// Checks on where cargo builds: whether it is sent to the RAM disk, can go there, and who else can.
import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { configPathIn } from '../forge/cargo-config-file.ts'
import { type CargoBuildSettings, readCargoConfig } from '../forge/cargo-config-text.ts'
import { abilityOf, type CargoReading, readCargoVersion } from '../forge/cargo-version.ts'
import { includePathOf, isPrepared } from '../forge/forge-layout.ts'
import { createUserNames } from '../forge/forge-use.ts'
import { listWorkspaces } from '../forge/forge-workspaces.ts'
import { findSharedCheckouts } from '../forge/shared-checkout.ts'
import { canonicalMountPoint, lstatOrNull } from '../platform/mount-point.ts'
import { type CheckSource, type DoctorContext, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface CargoSetting {
  /** null: the file is not understood, `unclear` says why. */
  readonly settings: CargoBuildSettings | null
  readonly unclear: string | null
  readonly configPath: string
  /** CARGO_BUILD_BUILD_DIR and CARGO_TARGET_DIR, which win over the file; null when not set. */
  readonly envBuildDir: string | null
  readonly envTargetDir: string | null
}

/** null: no cargo here. */
export const readCargoSetting = async (
  env: DoctorContext['env'],
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

/**
 * `always`: by a path that is used mounted or not, so that builds fail or fill a plain folder without the mount.
 * `while-mounted`: by a file that lies on it, and otherwise target/ as ever.
 */
export type WayThere = 'always' | 'while-mounted' | 'none'

export const wayThere = (setting: CargoSetting | null, mountPoint: string): WayThere => {
  if (setting === null) return 'none'
  const { settings, envBuildDir, envTargetDir } = setting
  const dirs = [envBuildDir ?? settings?.buildDir, envTargetDir ?? settings?.targetDir]
  if (dirs.some((dir) => typeof dir === 'string' && isBelow(dir, mountPoint))) return 'always'
  return settings?.includes.includes(includePathOf(mountPoint)) === true ? 'while-mounted' : 'none'
}

export interface CargoFacts extends CargoSetting {
  readonly mountPoint: string
  readonly diskBytes: number
  readonly mounted: boolean
  readonly prepared: boolean
  readonly cargo: CargoReading
  readonly up: string
}

/** One crate with a few dependencies fills half a gigabyte; below this the disk is there to be tried, not to build on. */
const leastUsefulBytes = 2 * 2 ** 30
const enable = 'nexus forge enable'

export const judgeCargo = (facts: CargoFacts): Verdict => {
  const { mountPoint, configPath, settings, envBuildDir, cargo } = facts
  const targetDir = facts.envTargetDir ?? settings?.targetDir ?? null
  if (targetDir !== null && isBelow(targetDir, mountPoint))
    return warn(
      `finished programs go to ${targetDir} as well: an eject loses them, builds fail without the RAM disk, and projects that share the folder wait for each other's lock`,
      facts.envTargetDir === null
        ? `Take target-dir out of ${configPath}, then: ${enable}`
        : `unset CARGO_TARGET_DIR; ${enable}`,
    )
  if (settings === null)
    return unknown(`${configPath} is not understood: ${facts.unclear}`, `Mend ${configPath}, then: ${enable}`)
  const buildDir = envBuildDir ?? settings.buildDir
  const where = envBuildDir === null ? configPath : 'CARGO_BUILD_BUILD_DIR'
  if (buildDir !== null && isBelow(buildDir, mountPoint)) return judgeFixedPath(buildDir, where, facts)
  if (buildDir === null && settings.includes.includes(includePathOf(mountPoint))) return judgeInclude(facts)
  if (facts.diskBytes < leastUsefulBytes)
    return ok(`builds elsewhere; ${formatBytes(facts.diskBytes)} would be too small`)
  if (buildDir !== null)
    return warn(
      `${where} sends builds to ${buildDir}, not to the RAM disk`,
      `Take build-dir out of ${where}, then: ${enable}`,
    )
  if (cargo.kind === 'found' && abilityOf(cargo.version) === 'too-old')
    return warn(
      `cargo ${cargo.version.text} cannot build there while its programs stay here: that came with 1.91`,
      'rustup update',
    )
  return warn('cargo builds on the disk: nothing points it to the RAM disk', enable)
}

const judgeFixedPath = (buildDir: string, where: string, { cargo }: CargoFacts): Verdict => {
  if (!buildDir.includes('{workspace-path-hash}'))
    return warn(
      `${where} sends all projects to ${buildDir}, where they wait for each other's lock`,
      `Take it out of ${where}, then: ${enable}`,
    )
  const canInclude = cargo.kind === 'found' && abilityOf(cargo.version) === 'include'
  return canInclude
    ? warn(
        `${where} sends builds to ${buildDir}, mounted or not: without the RAM disk they fail`,
        `Take it out of ${where}, then: ${enable}`,
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

// --- several developers -----------------------------------------------------------------------------------------

export interface SharingFacts {
  readonly disk: RamDisk
  /** The first folder on the way to it that others may not pass; null: none. */
  readonly closedFolder: string | null
  /** What mount(8) says of it on a Mac; null elsewhere. */
  readonly mountLine: string | null
  readonly sharedCheckouts: readonly { readonly path: string; readonly builtBy: string }[]
}

export const judgeSharing = ({ disk, closedFolder, mountLine, sharedCheckouts }: SharingFacts): Verdict => {
  if (disk.kind === 'shm-folder') return ok('for you alone: a folder in /dev/shm that is closed to others')
  if (mountLine !== null && /\bnoowners\b/.test(mountLine))
    return warn(
      'mounted without owners, as macOS mounts what a normal user attaches: each developer may read, change and remove all files on it, and nexus forge status says by the workspace whose they are',
      `sudo diskutil enableOwnership ${quoteForShell(disk.mountPoint)}`,
    )
  if (sharedCheckouts.length > 0) {
    const whose = sharedCheckouts.map(({ path, builtBy }) => `${path} (${builtBy})`).join(', ')
    const files = sharedCheckouts.map(({ path }) => join(path, '.cargo', 'config.toml')).join(', ')
    return warn(
      `a checkout that several share can be built on the RAM disk only by the one who built it first, cargo tells the others "Permission denied": ${whose}`,
      `Put build-dir = "target" under [build] into ${files}: that checkout then builds on the disk for everybody. Or give each developer a clone.`,
    )
  }
  return closedFolder === null
    ? ok("every developer can build there, and none can change another's files")
    : ok(
        `for you alone: ${closedFolder} is closed to others (ramDisk.mountPoint may name a place that is not)`,
      )
}

const findClosedFolder = async (path: string): Promise<string | null> => {
  const parent = dirname(path)
  if (parent === path) return null
  const above = await findClosedFolder(parent)
  if (above !== null) return above
  const stats = await lstat(parent).catch(() => null)
  return stats !== null && (stats.mode & 0o001) === 0 ? parent : null
}

/** null where nobody uses cargo. */
export const readCargoFacts = async (
  context: DoctorContext,
  facts: DoctorFacts,
): Promise<CargoFacts | null> => {
  const { mountPoint, sizeBytes } = facts.spec
  const setting = await readCargoSetting(context.env, context.homeDir)
  if (setting === null) return null
  const [disk, cargo] = await Promise.all([facts.ramDisk(), readCargoVersion(context.homeDir, context.env)])
  return {
    ...setting,
    mountPoint,
    diskBytes: sizeBytes,
    mounted: disk.mounted,
    prepared: disk.mounted && isPrepared(mountPoint),
    cargo,
    up: context.upCommand,
  }
}

export const checksOnCargo = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const { mountPoint } = facts.spec
  return [
    {
      id: 'forge.cargo',
      group: 'Build Forge',
      title: 'Cargo',
      why: 'a RAM disk that nothing builds on only takes memory',
      read: async () => {
        const cargo = await readCargoFacts(context, facts)
        return cargo === null ? null : judgeCargo(cargo)
      },
    },
    {
      id: 'forge.sharing',
      group: 'Build Forge',
      title: 'Several developers',
      why: "each developer's builds are theirs alone to change",
      read: async () => {
        const disk = await facts.ramDisk()
        if (!disk.mounted) return null
        const place = await canonicalMountPoint(mountPoint)
        const table = context.platform.id === 'darwin' ? await context.run(['mount']) : null
        const nameUser = createUserNames(context.run)
        const { workspaces } = await listWorkspaces(place)
        const shared = findSharedCheckouts(workspaces, {
          platform: context.platform.id,
          ownUid: process.getuid?.() ?? null,
        })
        return judgeSharing({
          sharedCheckouts: await Promise.all(
            shared.map(async ({ path, uid }) => ({ path, builtBy: await nameUser(uid) })),
          ),
          disk,
          closedFolder: await findClosedFolder(place),
          mountLine:
            table?.kind === 'exited'
              ? (table.stdout.split('\n').find((line) => line.includes(` on ${place} (`)) ?? null)
              : null,
        })
      },
    },
  ]
}
