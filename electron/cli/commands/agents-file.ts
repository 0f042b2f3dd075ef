// `nexus agents-file`: what agents must know about this machine: printed, written into a file, or compared with one.
import { resolve } from 'node:path'
import {
  type AgentsFileContext,
  forgetFile,
  readAgentsBlock,
  readAgentsFileState,
  readInstalledFiles,
  rememberFile,
} from '../../core/agents-file/agents-file.ts'
import { writeBlock } from '../../core/base/managed-file.ts'
import { type Block, markdownMarks } from '../../core/base/marked-block.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { attachToCore } from '../../core/control/client.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import type { CommandNamed } from '../arguments.ts'
import { type CliContext, exitCodes, fail } from '../context.ts'
import { readSnapshotOnce } from '../core-answer.ts'
import { readChosenProfile, readRunningProfile } from '../profile-choice.ts'

export const runAgentsFile = async (
  command: CommandNamed<'agents-file'>,
  context: CliContext,
): Promise<number> => {
  const block = await readAgentsBlock(await describeWhatRuns(context))
  const path = command.path === null ? null : resolve(command.path)
  if (command.check) return checkFiles(path, block, context)
  if (path === null) {
    context.print(block.body)
    return exitCodes.done
  }
  return writeFile(path, block, context)
}

/** The running profile, else the one that would start. */
const describeWhatRuns = async (context: CliContext): Promise<AgentsFileContext> => {
  const { folder, platform } = context
  const running = readRunningProfile(context)
  const snapshot = await readSnapshotOnce(await attachToCore(folder.socketPath), context)
  const { name: profileName, profile } = running ?? (await readChosenProfile(context, null))
  const phase = snapshot?.services.llamaServer.phase
  const engineIsReady = running !== null && (phase === 'ready' || phase === 'degraded')
  return { folder, platform, profileName, profile, engineIsReady }
}

const writeFile = (path: string, block: Block, context: CliContext): number => {
  const state = readAgentsFileState(path, block)
  if (state.kind === 'edited')
    return fail(
      context,
      `${path}: the text between the opta-nexus marks was edited, so the file is left as it is. Move the edits outside the marks, delete the block with its marks, and run this again.`,
    )
  if (state.kind === 'broken') return fail(context, `${path} is left as it is: ${state.reason}`)
  if (state.kind !== 'current') writeBlock(path, block, markdownMarks)
  ensureStateFolder(context.folder)
  rememberFile(context.folder.agentsFilesPath, path)
  context.print(
    state.kind === 'current'
      ? `${path} is up to date.`
      : `${path} now tells agents what they must know. It is updated when the profile changes; text outside the marks is yours.`,
  )
  return exitCodes.done
}

/** 1 when a file is out of date. A file whose block was removed is no longer ours. */
const checkFiles = (path: string | null, block: Block, context: CliContext): number => {
  const paths = path === null ? readInstalledFiles(context.folder.agentsFilesPath) : [path]
  if (paths.length === 0) context.print('No file is installed: nexus agents-file --path FILE installs one.')
  const states = paths.map((each) => {
    const { kind } = readAgentsFileState(each, block)
    const isGone = path === null && (kind === 'no-file' || kind === 'no-block')
    if (isGone) forgetFile(context.folder.agentsFilesPath, each)
    const update = `nexus agents-file --path ${quoteForShell(each)}`
    const words = {
      current: 'up to date',
      outdated: `out of date: ${update}`,
      edited: 'edited between the marks: kept, and no longer updated',
      broken: 'its marks are broken: kept, and no longer updated',
      'no-block': path === null ? 'has no block of Opta Nexus' : `has no block of Opta Nexus: ${update}`,
      'no-file': 'does not exist',
    }[kind]
    context.print(`${each}: ${words}${isGone ? '; it is left alone from now on' : ''}`)
    return kind === 'current' || isGone
  })
  return states.every((fine) => fine) ? exitCodes.done : exitCodes.failed
}
