// Checks on the RAM disk: real, large enough, used by cargo, and left alone by Spotlight.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { RamDisk } from '../../contract.ts'
import { readIntent } from '../intent.ts'
import { formatBytes } from '../memory-plan/format-bytes.ts'
import {
  canonicalMountPoint,
  explainObstacle,
  lstatOrNull,
  type MountPointState,
  readMountPointState,
} from '../platform/mount-point.ts'
import type { RamDiskSpec } from '../platform/platform.ts'
import type { CommandResult } from '../platform/run-command.ts'
import { readFileOrNull } from '../private-file.ts'
import { quoteForShell } from '../shell-quote.ts'
import { type BuildDirSetting, parseCargoBuildDir } from './cargo-config.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface MountFacts {
  readonly disk: RamDisk
  readonly spec: RamDiskSpec
  /** What stands at the mount point when nothing is mounted there. */
  readonly place: MountPointState
  /** The user asked for it and did not eject it since. */
  readonly isWanted: boolean
  /** Builds go there, mounted or not. */
  readonly cargoPointsThere: boolean
  readonly up: string
}

export const judgeMount = ({ disk, spec, place, isWanted, cargoPointsThere, up }: MountFacts): Verdict => {
  const { mountPoint, sizeBytes } = spec
  const again = `nexus down --eject && ${up}`
  const mount = `${up} --only ramDisk`
  if (!disk.mounted) {
    // Our own link to a folder that a reboot took from /dev/shm: mounting makes it again.
    const ownLink = place.kind === 'symlink' && place.target.startsWith('/dev/shm/opta-nexus-')
    const obstacle = ownLink ? null : explainObstacle(mountPoint, place)
    if (obstacle !== null)
      return fail(obstacle, `mv ${quoteForShell(mountPoint)} ${quoteForShell(`${mountPoint}.moved`)}`)
    if (cargoPointsThere)
      return fail(`${mountPoint} is not mounted, and cargo is set to build there: builds fail`, mount)
    return isWanted
      ? warn(`${mountPoint} is not mounted, although it was asked for`, mount)
      : ok(`not mounted; nexus up mounts it at ${mountPoint}`)
  }
  const said = `${disk.kind ?? 'something'} at ${mountPoint}`
  if (disk.totalBytes === null) return unknown(`${said}, of unknown size`)
  if (disk.kind === 'shm-folder') {
    return disk.totalBytes < sizeBytes
      ? warn(
          `a folder in /dev/shm, which is smaller (${formatBytes(disk.totalBytes)}) than the ${formatBytes(sizeBytes)} wanted`,
          `sudo mount -o remount,size=${sizeBytes} /dev/shm`,
        )
      : ok(`a folder in /dev/shm, its size not enforced: ${mountPoint}`)
  }
  // A file system takes a few per cent of a disk for itself.
  const off = Math.abs(disk.totalBytes - sizeBytes) / sizeBytes
  return off > 0.1
    ? warn(
        `${said} has ${formatBytes(disk.totalBytes)}, the profile says ${formatBytes(sizeBytes)}; making it anew loses what is on it`,
        again,
      )
    : ok(`mounted, ${formatBytes(disk.totalBytes)}, ${said}`)
}

export const judgeRoom = (disk: RamDisk): Verdict | null => {
  const { mounted, totalBytes, usedBytes, mountPoint } = disk
  if (!mounted) return null
  if (totalBytes === null || usedBytes === null) return unknown('the system does not say how full it is')
  const share = totalBytes === 0 ? 1 : usedBytes / totalBytes
  const said = `${formatBytes(usedBytes)} of ${formatBytes(totalBytes)} used`
  const look = `du -xsm ${quoteForShell(mountPoint)}/* | sort -rn | head`
  if (share >= 0.97) return fail(`${said}: full`, look)
  return share >= 0.85 ? warn(said, look) : ok(said)
}

export interface CargoFacts {
  readonly mountPoint: string
  readonly diskBytes: number
  readonly setting: BuildDirSetting
  readonly configPath: string
  /** Where the setting was found: the environment wins over the file. */
  readonly source: 'environment' | 'file'
  /** CARGO_TARGET_DIR, when set. */
  readonly targetDir: string | null
}

/** One crate with a few dependencies fills half a gigabyte; below this the disk is there to be tried, not to build on. */
const leastUsefulBytes = 2 * 2 ** 30

const buildDirOn = (mountPoint: string): string => join(mountPoint, 'build', '{workspace-path-hash}')
export const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`)

export const judgeCargo = (facts: CargoFacts): Verdict => {
  const { mountPoint, setting, configPath, source, targetDir } = facts
  const line = `build-dir = "${buildDirOn(mountPoint)}"`
  const edit = `Put this under [build] in ${configPath}: ${line}`
  const where = source === 'environment' ? 'CARGO_BUILD_BUILD_DIR' : configPath
  if (targetDir !== null && isBelow(targetDir, mountPoint))
    return warn(
      `CARGO_TARGET_DIR is ${targetDir}: two projects wait for each other's lock, and an eject loses the programs built`,
      `unset CARGO_TARGET_DIR; export CARGO_BUILD_BUILD_DIR=${quoteForShell(buildDirOn(mountPoint))}`,
    )
  if (setting.kind === 'unclear') return unknown(`${where} is not understood: ${setting.reason}`, edit)
  if (setting.kind === 'set' && isBelow(setting.value, mountPoint)) {
    return setting.value.includes('{workspace-path-hash}')
      ? ok(`${where} sends builds to ${setting.value}`)
      : warn(`${where} sends all projects to ${setting.value}, where they wait for each other's lock`, edit)
  }
  if (facts.diskBytes < leastUsefulBytes)
    return ok(`builds elsewhere; ${formatBytes(facts.diskBytes)} would be too small`)
  if (setting.kind === 'set')
    return warn(`${where} sends builds to ${setting.value}, not to the RAM disk`, edit)
  const append = `printf '[build]\\n%s\\n' ${quoteForShell(line)} >> ${quoteForShell(configPath)}`
  return warn(
    'cargo builds on the disk: nothing points it to the RAM disk',
    setting.hasBuildTable ? edit : append,
  )
}

type CargoSetting = Pick<CargoFacts, 'setting' | 'configPath' | 'source' | 'targetDir'>

/** null: no cargo here. */
export const readCargoSetting = async (
  env: DoctorContext['env'],
  homeDir: string,
): Promise<CargoSetting | null> => {
  const cargoHome = env['CARGO_HOME'] || join(homeDir, '.cargo')
  if ((await lstatOrNull(cargoHome)) === null) return null
  // cargo prefers the old name, without .toml, where both are there (the Cargo Book, Configuration).
  const [old, current] = [join(cargoHome, 'config'), join(cargoHome, 'config.toml')]
  const oldText = readFileOrNull(old)
  const text = oldText ?? readFileOrNull(current) ?? ''
  const fromEnv = env['CARGO_BUILD_BUILD_DIR']
  return {
    setting: fromEnv ? { kind: 'set', value: fromEnv } : parseCargoBuildDir(text),
    configPath: oldText === null ? current : old,
    source: fromEnv ? 'environment' : 'file',
    targetDir: env['CARGO_TARGET_DIR'] || null,
  }
}

/** `mdutil -s`: "Indexing disabled." or "Indexing enabled."; the words are from memory, no recording of it is at hand. */
export const judgeSpotlight = (result: CommandResult, hasMarker: boolean, mountPoint: string): Verdict => {
  const text = result.kind === 'exited' ? `${result.stdout}\n${result.stderr}` : ''
  if (/indexing disabled/i.test(text)) return ok('indexing is off')
  const off = `sudo mdutil -i off ${quoteForShell(mountPoint)}`
  if (/indexing enabled/i.test(text)) return warn('Spotlight indexes the RAM disk', off)
  return hasMarker
    ? ok('.metadata_never_index is on the volume; mdutil says nothing clear')
    : unknown('mdutil does not say whether Spotlight indexes the RAM disk', off)
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

export const checksOnForge = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const { spec } = facts
  return [
    {
      id: 'forge.mount',
      group: 'Build Forge',
      title: 'RAM disk',
      why: 'a folder where the mount should be takes builds to the disk without a word',
      read: async () => {
        const [disk, place, cargo] = await Promise.all([
          facts.ramDisk(),
          canonicalMountPoint(spec.mountPoint).then(readMountPointState),
          readCargoSetting(context.env, context.homeDir).catch(() => null),
        ])
        const builds = cargo?.setting.kind === 'set' ? cargo.setting.value : (cargo?.targetDir ?? null)
        return judgeMount({
          disk,
          spec,
          place,
          isWanted: readIntent(context.folder.intentPath)?.up.includes('ramDisk') ?? false,
          cargoPointsThere: builds !== null && isBelow(builds, spec.mountPoint),
          up: context.upCommand,
        })
      },
    },
    {
      id: 'forge.room',
      group: 'Build Forge',
      title: 'Room on it',
      why: 'a full RAM disk fails builds in the middle',
      read: async () => judgeRoom(await facts.ramDisk()),
    },
    {
      id: 'forge.cargo',
      group: 'Build Forge',
      title: 'Cargo',
      why: 'a RAM disk that nothing builds on only takes memory',
      read: async () => {
        const cargo = await readCargoSetting(context.env, context.homeDir)
        return cargo === null
          ? null
          : judgeCargo({ ...cargo, mountPoint: spec.mountPoint, diskBytes: spec.sizeBytes })
      },
    },
    {
      id: 'forge.spotlight',
      group: 'Build Forge',
      title: 'Spotlight',
      why: 'it reads every file that a build writes',
      read: async () => {
        if (context.platform.id !== 'darwin' || !(await facts.ramDisk()).mounted) return null
        const [result, hasMarker] = await Promise.all([
          context.run(['mdutil', '-s', spec.mountPoint], { timeoutMs: 2_000 }),
          exists(join(spec.mountPoint, '.metadata_never_index')),
        ])
        return judgeSpotlight(result, hasMarker, spec.mountPoint)
      },
    },
  ]
}
