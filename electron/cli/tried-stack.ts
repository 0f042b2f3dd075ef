// The stack for `nexus try-claude`: the running one, or a temporary demo stack.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../contract/config.ts'
import type { ProfileOverride } from '../contract/profile.ts'
import { writePrivateFile } from '../core/base/private-file.ts'
import { ensureStateFolder, locateStateFolder } from '../core/config/state-folder.ts'
import { attachToCore, type ControlClient } from '../core/control/client.ts'
import { ourTemplatePath } from '../core/engine/chat-template.ts'
import { createPlatform } from '../core/platform/detect-platform.ts'
import { attachOrHost, readOrphans } from './attach.ts'
import { runDown } from './commands/down.ts'
import type { CliContext } from './context.ts'
import { order, readSnapshotInTime, untilSettled } from './core-answer.ts'
import { followSetUp } from './set-up.ts'
import { judgeUp } from './settling.ts'

export type TriedStack = Awaited<ReturnType<typeof openTriedStack>>

/** Throws a one-sentence error when no stack is ready and none can be started. */
export const openTriedStack = async (context: CliContext, signal: AbortSignal) => {
  const client = await attachToCore(context.folder.socketPath)
  const snapshot = client === null ? null : await readSnapshotInTime(client, context)
  if (client !== null && snapshot !== null && snapshot.overall === 'ready') {
    const end = async (_keep: boolean) => {
      client.close()
      return null
    }
    return { context, client, snapshot, isOwn: false, end }
  }
  client?.close()
  if (snapshot !== null && snapshot.overall !== 'stopped')
    throw new Error(`the stack is ${snapshot.overall}, not ready: nexus status says why`)
  const root = mkdtempSync(join(tmpdir(), 'nexus-try-'))
  return startOwnStack(context, signal, { root, profile: await demoForTries() })
}

interface OwnStackOptions {
  /** A private folder, removed with the stack. */
  readonly root: string
  /** Where other users find the core; default nowhere. */
  readonly sharedDir?: string
  readonly config?: Pick<Config, 'guests'>
  readonly profile: ProfileOverride
}

/** Uses its own state folder: the keys, intent, logs and RAM disk of the user's stack are not touched. */
export const startOwnStack = async (
  outer: CliContext,
  signal: AbortSignal,
  { root, sharedDir = '', config = {}, profile: override }: OwnStackOptions,
) => {
  const env = {
    ...outer.env,
    NEXUS_HOME: root,
    NEXUS_RUNTIME: outer.folder.runtimeDir,
    NEXUS_SHARED: sharedDir,
  }
  const folder = locateStateFolder(env, process.platform, root)
  const context: CliContext = {
    ...outer,
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    print: () => {},
  }
  const remove = async () => {
    const code = await runDown(
      { name: 'down', only: null, eject: true, now: true, force: true, json: true },
      context,
    )
    return code === 0 && (await removeUnlessServed(context))
  }
  let client: ControlClient | null = null
  try {
    ensureStateFolder(folder)
    // A restart lets running requests finish, however slow this machine is.
    writePrivateFile(folder.configPath, JSON.stringify({ ...config, drainSeconds: longestDrainSeconds }))
    const profilePath = join(root, 'try.json')
    writePrivateFile(profilePath, JSON.stringify(override, null, 2))
    client = await attachOrHost(context)
    signal.throwIfAborted()
    const own = client
    await order(own, { type: 'start', only: null, profile: profilePath, force: false, setUp: true })
    await followSetUp(own, context, null, signal)
    const snapshot = await untilSettled(own, (now) => judgeUp(now, null), signal)
    let removal: Promise<boolean> | null = null
    /** Stops and removes it, once, unless `keep`. Returns what to tell the user; null: nothing. */
    const end = async (keep: boolean) => {
      own.close()
      if (keep) return `The demo stack still runs. Its commands: NEXUS_HOME=${root} nexus status, down, ...`
      removal ??= remove()
      return (await removal) ? null : `part of the demo stack still runs: NEXUS_HOME=${root} nexus down`
    }
    return { context, client: own, snapshot, isOwn: true, end }
  } catch (error) {
    client?.close()
    await remove()
    throw error
  }
}

/** Keeps the folder while services run: only its ledger can find them again. Returns whether it was removed. */
export const removeUnlessServed = async (context: CliContext): Promise<boolean> => {
  if ((await readOrphans(context)).length > 0) return false
  rmSync(context.folder.root, { recursive: true, force: true })
  return true
}

const longestDrainSeconds = 600

/** One short sentence of any words. */
const sentence = 'root ::= [A-Z] [a-z]{1,8} (" " [a-z]{1,8}){1,6} "."'

/**
 * Given all that Claude Code sends, the small demo model may ramble until it is cut off, and Claude Code would ask again
 * each time; this grammar makes its answers end. The system picks the ports, so that another stack on the usual ones
 * doesn't get in the way.
 */
export const demoForTries = async (): Promise<ProfileOverride> => {
  const [engine = 0, router = 0] = await freePorts()
  return {
    extends: 'demo',
    // Slots that a conversation outgrows soon: a two-core processor reads 20 to 400 tokens a second.
    llamaServer: { port: engine, contextTokens: 20_480, slots: 4, pinnedFlags: ['--grammar', sentence] },
    proxy: { port: router },
    ramDisk: { sizeMiB: 16 },
  }
}

/**
 * Another stack for the step with tools, whose calls take the Studio's path: through our chat template for R1. The other
 * steps can't share it: once the template renders calls, llama-server (b10068, observed) ignores our grammar in requests
 * with tools.
 */
export const openToolStack = async (context: CliContext, signal: AbortSignal) => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-try-tools-'))
  const chatTemplate = join(root, 'try.jinja')
  const shipped = readFileSync(ourTemplatePath(context.resourcesDir, 'r1-distill-llama'), 'utf8')
  writePrivateFile(chatTemplate, `${withoutThoughts}${withoutSpareTools}${shipped}`)
  const profile = await demoForTries()
  const llamaServer = { ...profile.llamaServer, contextTokens: 16_384, slots: 2, chatTemplate }
  return startOwnStack(context, signal, { root, profile: { ...profile, llamaServer } })
}

/** The small model would think until cut off. */
const withoutThoughts = '{%- set enable_thinking = false -%}\n'
/** A forced call offers only its tool. All tools' schemas would add 2,000 tokens to the last turn, which needs none. */
const withoutSpareTools = '{%- if tools and tools | length > 1 %}{% set tools = none %}{% endif -%}\n'

/** Holds both until both are known, so that they differ. */
const freePorts = async (): Promise<readonly number[]> => {
  const servers = [createServer(), createServer()]
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' ? (address?.port ?? 0) : 0
  })
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
