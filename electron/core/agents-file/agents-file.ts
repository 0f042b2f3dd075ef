// The agents' file on disk: what it should say now, what each installed one says, and bringing those up to date.

import type { Profile } from '../../contract/profile.ts'
import { messageOf } from '../base/error-message.ts'
import { type BlockState, readBlockState, writeBlock } from '../base/managed-file.ts'
import { type Block, markdownMarks } from '../base/marked-block.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { ramDiskSpec } from '../forge/ram-disk-service.ts'
import { readHeaderOrReason } from '../gguf/gguf-header.ts'
import { readLastLines } from '../logs/log-follow.ts'
import { readMachineLine } from '../platform/machine-identity.ts'
import type { Platform } from '../platform/platform.ts'
import { agentsFacts, nameFacts, saysTheSame } from './agents-facts.ts'
import { agentsText } from './agents-text.ts'
import { readInstalledFiles } from './installed-files.ts'
import { readPrefillSpeed } from './prefill-speed.ts'

export interface AgentsFileContext {
  readonly folder: Pick<StateFolder, 'agentsFilesPath' | 'logPath'>
  readonly platform: Platform
  readonly profileName: string
  readonly profile: Profile
  /** Whether llama-server runs with this very profile and is ready: only then its log says how fast it reads. */
  readonly engineIsReady: boolean
}

/** Some thousand requests; a longer history says no more about the present. */
const logLines = 5_000

/** The text as it should be now. A log that cannot be read leaves the speed out. */
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
 * Brings every installed file up to date whose block is as we wrote it. Files that are gone, and blocks that a person
 * took out or changed, stay as they are. @returns what went wrong, one sentence each; nothing is thrown
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
      return [`the agents' file ${path} was not brought up to date: ${messageOf(error)}`]
    }
  })
}
