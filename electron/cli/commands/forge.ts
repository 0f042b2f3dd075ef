// `nexus forge`: this user's cargo builds on the RAM disk. Needs no running core.

import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { readFileOrNull } from '../../core/base/private-file.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { attachAsGuest } from '../../core/control/guests/attach-as-guest.ts'
import { createCargoConfigFiles, type EditOutcome } from '../../core/forge/cargo-config-file.ts'
import { hasEntry } from '../../core/forge/cargo-config-text.ts'
import { readCargoVersion } from '../../core/forge/cargo-version.ts'
import { chooseForCleaning, cleanWorkspace, removeLeftovers } from '../../core/forge/forge-clean.ts'
import {
  cargoConfigPath,
  enableFor,
  entriesFor,
  explainEnvironment,
} from '../../core/forge/forge-enabling.ts'
import { isPrepared } from '../../core/forge/forge-layout.ts'
import { createUserNames, readForgeUse } from '../../core/forge/forge-use.ts'
import { ramDiskSpec } from '../../core/forge/ram-disk-service.ts'
import type { RamDiskSpec } from '../../core/platform/platform.ts'
import { createCommandRunner } from '../../core/platform/run-command.ts'
import { readIntent } from '../../core/stack/intent.ts'
import { formatBytes } from '../../wording/figures.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readSnapshotInTime } from '../core-answer.ts'
import type { ForgeCommand } from '../forge-arguments.ts'
import { readAnyProfile } from '../profile-choice.ts'
import { type ForgeStatus, renderForgeStatus } from '../view/forge-view.ts'

export const runForge = (command: ForgeCommand, context: CliContext): Promise<number> => {
  if (command.action !== 'status') ensureStateFolder(context.folder)
  switch (command.action) {
    case 'enable':
    case 'disable':
      return edit(command, command.action, context)
    case 'status':
      return showStatus(command, context)
    case 'clean':
      return clean(command, context)
    case 'hook':
      return hook(command, context)
  }
}

/** From the running profile, else from the one that would start; if another user's stack runs, its mounted disk. */
const readSpec = async ({ mount }: ForgeCommand, context: CliContext): Promise<RamDiskSpec> => {
  const intent = readIntent(context.folder.intentPath)
  const runs = intent !== null && intent.up.length > 0
  const spec = ramDiskSpec(runs ? intent.profile : readAnyProfile(context, null).profile, context.platform)
  if (mount !== null) return { ...spec, mountPoint: resolve(mount) }
  const hosted = runs ? null : await readHostsMountPoint(context)
  return hosted === null ? spec : { ...spec, mountPoint: hosted }
}

/** null: no other user's stack runs here, or its RAM disk is not mounted. */
const readHostsMountPoint = async (context: CliContext): Promise<string | null> => {
  const host = await attachAsGuest(context.folder.sharedDir)
  if (host === null) return null
  try {
    const { ramDisk } = await readSnapshotInTime(host, context)
    return ramDisk?.mounted === true ? ramDisk.mountPoint : null
  } finally {
    host.close()
  }
}

// --- enable, disable --------------------------------------------------------------------------------------------

const edit = async (
  command: ForgeCommand,
  action: 'enable' | 'disable',
  context: CliContext,
): Promise<number> => {
  const { mountPoint } = await readSpec(command, context)
  const files = createCargoConfigFiles(context.folder.cargoConfigsPath)
  // Resolve all before editing any: one missing folder refuses the whole command.
  const places = (command.folders.length === 0 ? [null] : command.folders).map((folder) => ({
    folder,
    path: cargoConfigPath(folder, context.env, homedir()),
  }))
  const edits: { readonly path: string; readonly outcome: EditOutcome }[] = []
  for (const { folder, path } of places) {
    const outcome =
      action === 'disable'
        ? files.disable(path, entriesFor(mountPoint))
        : enableFor(files, path, await readCargoVersion(folder ?? homedir(), context.env), mountPoint)
    edits.push({ path, outcome })
  }
  const notes = action === 'enable' ? explainEnvironment(context.env) : []
  if (command.json) {
    const rows = edits.map(({ path, outcome }) => ({ path, ...outcome }))
    context.print(JSON.stringify({ mountPoint, files: rows, notes }, null, 2))
  } else {
    for (const { path, outcome } of edits) tellEdit(action, path, outcome, context)
    for (const note of notes) context.print(`Note: ${note}.`)
  }
  return edits.some(({ outcome }) => outcome.kind === 'refused') ? exitCodes.failed : exitCodes.done
}

const tellEdit = (
  action: 'enable' | 'disable',
  path: string,
  outcome: EditOutcome,
  context: CliContext,
): void => {
  const on = action === 'enable'
  switch (outcome.kind) {
    case 'refused':
      context.printError(outcome.reason)
      return
    case 'already':
      context.print(on ? `${path} already sends builds to the RAM disk.` : `${path} has no entry of ours.`)
      return
    case 'changed':
      context.print(
        on
          ? `${path} now sends builds to the RAM disk; nexus forge disable undoes that.`
          : `${path} is restored.`,
      )
      for (const note of outcome.notes) context.print(`Note: ${note}.`)
  }
}

// --- status, clean ----------------------------------------------------------------------------------------------

const readUse = async (spec: RamDiskSpec, context: CliContext) => {
  const run = createCommandRunner()
  const ignoresOwners = (await context.platform.ramDisk.ignoresOwners(spec)) === true
  return readForgeUse(spec.mountPoint, { run, nameUser: createUserNames(run), ignoresOwners })
}

const readStatus = async (command: ForgeCommand, context: CliContext): Promise<ForgeStatus> => {
  const spec = await readSpec(command, context)
  const { mountPoint } = spec
  const [disk, cargo] = await Promise.all([
    context.platform.ramDisk.read(spec),
    readCargoVersion(homedir(), context.env),
  ])
  const use = disk.mounted ? await readUse(spec, context) : null
  const configPath = cargoConfigPath(null, context.env, homedir())
  const text = readFileOrNull(configPath) ?? ''
  const edited = createCargoConfigFiles(context.folder.cargoConfigsPath).edited()
  return {
    mountPoint,
    mounted: disk.mounted,
    prepared: disk.mounted && isPrepared(mountPoint),
    totalBytes: disk.totalBytes,
    usedBytes: disk.usedBytes,
    cargo: {
      version: cargo.kind === 'found' ? cargo.version.text : null,
      configPath,
      enabled: entriesFor(mountPoint).some((entry) => hasEntry(text, entry)),
      projectConfigs: edited.filter((path) => path !== configPath),
      notes: explainEnvironment(context.env),
    },
    workspaces:
      use?.workspaces.map(({ workspace, buildDir, bytes, owner, lastCompiledAt, building }) => ({
        workspace,
        buildDir,
        bytes,
        owner,
        lastBuildAt: lastCompiledAt,
        building,
      })) ?? null,
    closedOwners: use?.closedOwners ?? [],
  }
}

const showStatus = async (command: ForgeCommand, context: CliContext): Promise<number> => {
  const status = await readStatus(command, context)
  if (command.json) context.print(JSON.stringify(status, null, 2))
  else for (const line of renderForgeStatus(status, { ...context, now: Date.now() })) context.print(line)
  return exitCodes.done
}

/** 1 when the named workspace is missing or stays; what --all and --unused skip is only reported. */
const clean = async (command: ForgeCommand, context: CliContext): Promise<number> => {
  const spec = await readSpec(command, context)
  const choice = command.clean
  if (choice === null) return exitCodes.usage
  const disk = await context.platform.ramDisk.read(spec)
  if (!disk.mounted) throw new Error(`${spec.mountPoint} is not mounted: there is nothing to clean`)
  await removeLeftovers(spec.mountPoint)
  const { workspaces } = await readUse(spec, context)
  const chosen = chooseForCleaning(workspaces, choice, Date.now())
  if (choice.kind === 'workspace' && chosen.length === 0)
    throw new Error(
      `${resolve(choice.path)} has no builds on ${spec.mountPoint}; nexus forge status lists them`,
    )
  const removed: { path: string; bytes: number | null }[] = []
  const kept: { path: string; reason: string }[] = []
  for (const use of chosen) {
    const path = use.workspace ?? use.buildDir
    const outcome = await cleanWorkspace(use)
    if (outcome.kind === 'removed') removed.push({ path, bytes: use.bytes })
    else kept.push({ path, reason: outcome.reason })
  }
  if (command.json) context.print(JSON.stringify({ removed, kept }, null, 2))
  else {
    for (const { path, bytes } of removed) context.print(`Removed ${formatBytes(bytes)} of ${path}.`)
    for (const { path, reason } of kept) context.printError(`${path} was not removed: ${reason}.`)
    if (chosen.length === 0) context.print('Nothing to remove.')
  }
  return choice.kind === 'workspace' && kept.length > 0 ? exitCodes.failed : exitCodes.done
}

// --- hook -------------------------------------------------------------------------------------------------------

/** Runs when a shell starts: silent when all is well, and never stops the shell from starting. */
const hook = async (command: ForgeCommand, context: CliContext): Promise<number> => {
  const spec = await readSpec(command, context)
  const files = createCargoConfigFiles(context.folder.cargoConfigsPath)
  const { mounted } = await context.platform.ramDisk.read(spec)
  const [, direct] = entriesFor(spec.mountPoint)
  const where = mounted ? files.unpark(direct, spec.mountPoint) : files.park(direct)
  for (const path of where)
    context.printError(
      mounted
        ? `nexus: ${path} sends builds to the RAM disk again.`
        : `nexus: ${path} would break builds without the RAM disk; its entry is disabled until the disk is back.`,
    )
  if (!mounted && files.edited().length > 0)
    context.printError(
      `nexus: ${spec.mountPoint} is not mounted, so cargo builds in target/ on the disk. nexus up --only ramDisk mounts it.`,
    )
  return exitCodes.done
}
