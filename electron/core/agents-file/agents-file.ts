// The agents' file on disk: its current text, which files contain it, their state, and updating them.

import { z } from 'zod'
import type { Profile } from '../../contract/profile.ts'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { type BlockState, readBlockState, writeBlock } from '../base/managed-file.ts'
import { type Block, markdownMarks } from '../base/marked-block.ts'
import { writePrivateFile } from '../base/private-file.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { ramDiskSpec } from '../forge/ram-disk-service.ts'
import { readHeaderOrReason } from '../gguf/gguf-header.ts'
import { readLastLines } from '../logs/log-follow.ts'
import { readMachineLine } from '../platform/machine-identity.ts'
import type { Platform } from '../platform/platform.ts'
import { agentsFacts, nameFacts, readPrefillSpeed, saysTheSame } from './agents-facts.ts'
import { agentsText } from './agents-text.ts'

export interface AgentsFileContext {
  readonly folder: Pick<StateFolder, 'agentsFilesPath' | 'logPath'>
  readonly platform: Platform
  readonly profileName: string
  readonly profile: Profile
  /** Whether llama-server is ready with this profile: only then its log shows the prefill speed. */
  readonly engineIsReady: boolean
}

/** A few thousand requests; a longer history says no more about the present. */
const logLines = 5_000

/** The current text. Without a readable log it omits the speed. */
export const readAgentsBlock = async (context: AgentsFileContext): Promise<Block> => {
  const { folder, platform, profile, profileName } = context
  const [identity, lanAddresses, header, lines] = await Promise.all([
    readMachineLine(await platform.readTotalMemoryBytes()),
    platform.readLanAddresses(),
    readHeaderOrReason(profile.llamaServer.modelPath),
    context.engineIsReady ? readLastLines(folder.logPath('llamaServer'), logLines).catch(() => []) : [],
  ])
  const prefill = readPrefillSpeed(lines)
  const facts = agentsFacts(profileName, profile, {
    identity,
    mountPoint: ramDiskSpec(profile, platform).mountPoint,
    lanAddresses,
    trainingContextTokens: header.kind === 'header' ? header.header.trainingContextTokens : null,
  })
  return { body: agentsText(facts, prefill), facts: nameFacts(facts, prefill) }
}

export const readAgentsFileState = (path: string, block: Block): BlockState =>
  readBlockState(path, (named) => saysTheSame(named, block.facts))

/**
 * Updates installed files whose block is unedited. Skips files that are gone, and blocks that were removed or edited.
 * @returns what went wrong, one sentence each; never throws
 */
export const refreshAgentsFiles = async (context: AgentsFileContext): Promise<readonly string[]> => {
  const paths = readInstalledFiles(context.folder.agentsFilesPath)
  if (paths.length === 0) return []
  const block = await readAgentsBlock(context)
  return paths.flatMap((path) => {
    try {
      if (readAgentsFileState(path, block).kind === 'outdated') writeBlock(path, block, markdownMarks)
      return []
    } catch (error) {
      return [`could not update the agents' file ${path}: ${messageOf(error)}`]
    }
  })
}

/** The files that contain the agents' block, so they can be updated. */
const RecordSchema = z.strictObject({ version: z.literal(1), paths: z.array(z.string()) })

/** Absolute paths; empty when there are none, or when the record has another version. */
export const readInstalledFiles = (recordPath: string): readonly string[] =>
  readRecord(recordPath, RecordSchema)?.paths ?? []

export const rememberFile = (recordPath: string, path: string): void => {
  const paths = readInstalledFiles(recordPath)
  if (!paths.includes(path)) write(recordPath, [...paths, path])
}

export const forgetFile = (recordPath: string, path: string): void => {
  const paths = readInstalledFiles(recordPath)
  if (paths.includes(path))
    write(
      recordPath,
      paths.filter((known) => known !== path),
    )
}

const write = (recordPath: string, paths: readonly string[]): void =>
  writePrivateFile(recordPath, `${JSON.stringify({ version: 1, paths }, null, 2)}\n`)
