// `nexus forge`: this user's cargo builds on the RAM disk. Needs no running core.
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { attachAsGuest } from '../../core/control/guests/shared-folder.ts'
import { createCargoConfigFiles, type EditOutcome } from '../../core/forge/cargo-config-file.ts'
import { readCargoVersion } from '../../core/forge/cargo-version.ts'
import {
  type CleanChoice,
  chooseForCleaning,
  cleanWorkspace,
  removeLeftovers,
} from '../../core/forge/forge-clean.ts'
import {
  cargoConfigPath,
  enableFor,
  entriesFor,
  explainEnvironment,
} from '../../core/forge/forge-enabling.ts'
import { ramDiskSpec } from '../../core/forge/ram-disk-service.ts'
import type { RamDiskSpec } from '../../core/platform/platform.ts'
import { formatBytes } from '../../wording/figures.ts'
import type { CommandNamed } from '../arguments.ts'
import { type CliContext, exitCodes, printAnswer } from '../context.ts'
import { readSnapshotOnce } from '../core-answer.ts'
import { readForgeStatus, readWorkspaceUse } from '../forge-status.ts'
import { readAnyProfile, readRunningProfile } from '../profile-choice.ts'
import { renderForgeStatus } from '../view/forge-view.ts'

type ForgeCommand = CommandNamed<'forge'>
type ForgeEdit = Extract<ForgeCommand, { readonly folders: readonly string[] }>

export const runForge = async (command: ForgeCommand, context: CliContext): Promise<number> => {
  if (command.action !== 'status') ensureStateFolder(context.folder)
  const spec = await readSpec(command.mount, context)
  switch (command.action) {
    case 'enable':
    case 'disable':
      return edit(command, spec, context)
    case 'status':
      return showStatus(spec, command.json, context)
    case 'clean':
      return clean(command.clean, spec, command.json, context)
    case 'hook':
      return hook(spec, context)
  }
}

/** From the running profile, else from the one that would start; if another user's stack runs, its mounted disk. */
const readSpec = async (mount: string | null, context: CliContext): Promise<RamDiskSpec> => {
  const running = readRunningProfile(context)
  const spec = ramDiskSpec((running ?? readAnyProfile(context, null)).profile, context.platform)
  if (mount !== null) return { ...spec, mountPoint: resolve(mount) }
  if (running !== null) return spec
  const hosted = await readSnapshotOnce(await attachAsGuest(context.folder.sharedDir), context)
  const disk = hosted?.ramDisk ?? null
  return disk?.mounted === true ? { ...spec, mountPoint: disk.mountPoint } : spec
}

const edit = async (
  { action, folders, json }: ForgeEdit,
  { mountPoint }: RamDiskSpec,
  context: CliContext,
): Promise<number> => {
  const files = createCargoConfigFiles(context.folder.cargoConfigsPath)
  // Resolve all before editing any: one missing folder refuses the whole command.
  const places = (folders.length === 0 ? [null] : folders).map((folder) => ({
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
  const document = { mountPoint, files: edits.map(({ path, outcome }) => ({ path, ...outcome })), notes }
  const lines = edits.flatMap(({ path, outcome }) => describeEdit(action, path, outcome))
  printAnswer(context, json, document, [...lines, ...notes.map((note) => `Note: ${note}.`)])
  const refusals = edits.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome.reason] : []))
  for (const reason of refusals) context.printError(reason)
  return refusals.length === 0 ? exitCodes.done : exitCodes.failed
}

const describeEdit = (action: ForgeEdit['action'], path: string, outcome: EditOutcome): readonly string[] => {
  const on = action === 'enable'
  switch (outcome.kind) {
    case 'refused':
      return []
    case 'already':
      return [on ? `${path} already sends builds to the RAM disk.` : `${path} has no entry of ours.`]
    case 'changed':
      return [
        on
          ? `${path} now sends builds to the RAM disk; nexus forge disable undoes that.`
          : `${path} is restored.`,
        ...outcome.notes.map((note) => `Note: ${note}.`),
      ]
  }
}

const showStatus = async (spec: RamDiskSpec, json: boolean, context: CliContext): Promise<number> => {
  const status = await readForgeStatus(spec, context)
  return printAnswer(context, json, status, renderForgeStatus(status, { ...context, now: Date.now() }))
}

/** 1 when the named workspace is missing or stays; what --all and --unused skip is only reported. */
const clean = async (
  choice: CleanChoice,
  spec: RamDiskSpec,
  json: boolean,
  context: CliContext,
): Promise<number> => {
  const { mountPoint } = spec
  const disk = await context.platform.ramDisk.read(spec)
  if (!disk.mounted) throw new Error(`${mountPoint} is not mounted: there is nothing to clean`)
  await removeLeftovers(mountPoint)
  const chosen = chooseForCleaning((await readWorkspaceUse(spec, context)).workspaces, choice, Date.now())
  if (choice.kind === 'workspace' && chosen.length === 0)
    throw new Error(`${resolve(choice.path)} has no builds on ${mountPoint}; nexus forge status lists them`)
  const removed: { path: string; bytes: number | null }[] = []
  const kept: { path: string; reason: string }[] = []
  for (const use of chosen) {
    const path = use.workspace ?? use.buildDir
    const reason = await cleanWorkspace(use)
    if (reason === null) removed.push({ path, bytes: use.bytes })
    else kept.push({ path, reason })
  }
  printAnswer(context, json, { removed, kept }, [
    ...removed.map(({ path, bytes }) => `Removed ${formatBytes(bytes)} of ${path}.`),
    ...(chosen.length === 0 ? ['Nothing to remove.'] : []),
  ])
  for (const { path, reason } of kept) context.printError(`${path} was not removed: ${reason}.`)
  return choice.kind === 'workspace' && kept.length > 0 ? exitCodes.failed : exitCodes.done
}

/** Runs when a shell starts: silent when all is well, and never stops the shell from starting. */
const hook = async (spec: RamDiskSpec, context: CliContext): Promise<number> => {
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
