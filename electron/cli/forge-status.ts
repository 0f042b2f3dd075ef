// The Build Forge as `nexus forge status` reports it: the RAM disk, cargo's settings, and each workspace on the disk.
import { homedir } from 'node:os'
import { readFileOrNull } from '../core/base/private-file.ts'
import { createCargoConfigFiles } from '../core/forge/cargo-config-file.ts'
import { hasEntry } from '../core/forge/cargo-config-text.ts'
import { readCargoVersion } from '../core/forge/cargo-version.ts'
import { cargoConfigPath, entriesFor, explainEnvironment } from '../core/forge/forge-enabling.ts'
import { isPrepared } from '../core/forge/forge-layout.ts'
import { readForgeUse } from '../core/forge/forge-use.ts'
import type { RamDiskSpec } from '../core/platform/platform.ts'
import { createCommandRunner } from '../core/platform/run-command.ts'
import type { CliContext } from './context.ts'

export type ForgeStatus = Awaited<ReturnType<typeof readForgeStatus>>

export const readWorkspaceUse = async (spec: RamDiskSpec, context: CliContext) => {
  const ignoresOwners = (await context.platform.ramDisk.ignoresOwners(spec)) === true
  return readForgeUse(spec.mountPoint, { run: createCommandRunner(), ignoresOwners })
}

export const readForgeStatus = async (spec: RamDiskSpec, context: CliContext) => {
  const { mountPoint } = spec
  const [disk, cargo] = await Promise.all([
    context.platform.ramDisk.read(spec),
    readCargoVersion(homedir(), context.env),
  ])
  const use = disk.mounted ? await readWorkspaceUse(spec, context) : null
  const configPath = cargoConfigPath(null, context.env, homedir())
  const text = readFileOrNull(configPath) ?? ''
  const edited = createCargoConfigFiles(context.folder.cargoConfigsPath).edited()
  return {
    mountPoint,
    mounted: disk.mounted,
    /** Whether it holds the file that cargo configs include. */
    prepared: disk.mounted && isPrepared(mountPoint),
    totalBytes: disk.totalBytes,
    usedBytes: disk.usedBytes,
    cargo: {
      /** null: no cargo, or unknown. */
      version: cargo.kind === 'found' ? cargo.version.text : null,
      configPath,
      /** Whether the developer's own config sends builds to the RAM disk. */
      enabled: entriesFor(mountPoint).some((entry) => hasEntry(text, entry)),
      /** Other config files that we edited, for single projects. */
      projectConfigs: edited.filter((path) => path !== configPath),
      notes: explainEnvironment(context.env),
    },
    /** null while it is not mounted. `workspace` is null where the setting that built there doesn't say. */
    workspaces:
      use?.workspaces.map(({ workspace, buildDir, bytes, owner, lastCompiledAt: lastBuildAt, building }) => ({
        workspace,
        buildDir,
        bytes,
        owner,
        lastBuildAt,
        building,
      })) ?? null,
    /** Users whose builds there this user can't read. */
    closedOwners: use?.closedOwners ?? [],
  }
}
