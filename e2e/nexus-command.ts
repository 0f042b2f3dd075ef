// Runs the real `nexus` command with a state folder and ports of its own.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { followUntil } from '../electron/cli/follow-core.ts'
import { type Snapshot, SnapshotSchema } from '../electron/contract/snapshot.ts'
import { within } from '../electron/core/base/first-of.ts'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { attachToCore } from '../electron/core/control/client.ts'
import { freePorts } from './free-ports.ts'

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface NexusUnderTest {
  readonly home: string
  readonly profilePath: string
  readonly enginePort: number
  readonly routerPort: number
  /** Makes this profile the configured one, for a core that another program starts. */
  useProfile(): void
  run(...words: string[]): Promise<CommandResult>
  /** With these additional variables. */
  runWith(env: Readonly<Record<string, string>>, ...words: string[]): Promise<CommandResult>
  readSnapshot(): Promise<Snapshot>
  /**
   * Watches the core, which pushes every change, until a snapshot fits; throws with the last one when the core ends or
   * `timeoutMs` pass first, and at once when a request fails, because the state may then never come.
   */
  until(
    fits: (snapshot: Snapshot) => boolean,
    timeoutMs: number,
    asked?: readonly Promise<unknown>[],
  ): Promise<Snapshot>
  /** Ends whatever is left and removes the folder. */
  dispose(): Promise<void>
}

const root = join(import.meta.dirname, '..')

/** A short path: unix sockets end at 103 bytes. `profile` is laid over the demo profile. */
/**
 * For tests that need answers to go on until they are cut off: the demo's model ends most stories after a sentence or two.
 * With this flag llama-server never chooses the end ("ignore end of stream token and continue generating", its --help).
 */
export const endlessAnswers = { pinnedFlags: ['--ignore-eos'] }

export const createNexus = async (
  profile: { llamaServer?: object; proxy?: object; ramDisk?: object; gateway?: object } = {},
): Promise<NexusUnderTest> => {
  const home = mkdtempSync(join(tmpdir(), 'nexus-e2e-'))
  const [enginePort, routerPort] = await freePorts()
  const profilePath = join(home, 'profile.json')
  const override = {
    extends: 'demo',
    llamaServer: { port: enginePort, ...profile.llamaServer },
    proxy: { port: routerPort, ...profile.proxy },
    ramDisk: { sizeMiB: 64, ...profile.ramDisk },
    ...(profile.gateway === undefined ? {} : { gateway: profile.gateway }),
  }
  writeFileSync(profilePath, JSON.stringify(override))
  const run = (...words: string[]): Promise<CommandResult> => runNexus(home, words)
  const readSnapshot = async (): Promise<Snapshot> => {
    const { code, stdout, stderr } = await run('status', '--json')
    if (code !== 0) throw new Error(`nexus status ended with ${code}: ${stderr}${stdout}`)
    return SnapshotSchema.parse(JSON.parse(stdout))
  }
  return {
    home,
    profilePath,
    enginePort,
    routerPort,
    useProfile: () => {
      const config = { profile: 'under-test', profiles: { 'under-test': override } }
      writeFileSync(join(home, 'config.json'), JSON.stringify(config))
    },
    run,
    runWith: (env, ...words) => runNexus(home, words, env),
    readSnapshot,
    until: async (fits, timeoutMs, asked = []) => {
      const core = await attachToCore(
        locateStateFolder({ NEXUS_HOME: home }, process.platform, home).socketPath,
      )
      if (core === null) throw new Error('no core runs')
      try {
        // Read anew: the first snapshot that a watcher gets may be from before what the test has just done.
        let last = await core.readSnapshot()
        if (fits(last)) return last
        const fitting = followUntil(core, (snapshot) => {
          last = snapshot
          return fits(snapshot)
        })
        const found = await within(Promise.race([fitting, failureOf(asked)]), timeoutMs)
        if (found === null) throw new Error(`it did not come to that: ${JSON.stringify(last)}`)
        return found
      } finally {
        core.close()
      }
    },
    dispose: async () => {
      await run('down', '--now', '--eject', '--force')
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Rejects as the first of them that does, and never ends otherwise. */
const failureOf = (asked: readonly Promise<unknown>[]): Promise<never> =>
  new Promise((_, reject) => {
    for (const each of asked) each.catch(reject)
  })

export const runNexus = (
  home: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> =>
  collectResult(
    spawn(join(root, 'scripts', 'nexus'), words, {
      env: { ...process.env, ...env, NEXUS_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )

/** What it said and how it ended; rejects when it could not be started. */
export const collectResult = (child: ChildProcessByStdio<null, Readable, Readable>): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (piece) => {
      stdout += String(piece)
    })
    child.stderr.on('data', (piece) => {
      stderr += String(piece)
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
