// Starts the core as a launchd job, which on macOS outlives the app or terminal that asked for it. A process started by an
// app belongs to the app's coalition, which macOS 27 ends with it (tmux/tmux#5465); a job has its own.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writePrivateFile } from '../../base/private-file.ts'
import { ensureStateFolder } from '../../config/state-folder.ts'
import { readLogSince } from '../../logs/log-follow.ts'
import { readLogMark } from '../../logs/log-generations.ts'
import type { Launchd } from '../../platform/launchd/launchd.ts'
import { renderLaunchdPlist } from '../../platform/launchd/plist.ts'
import { describeProtectedFolder } from '../../platform/launchd/protected-folder.ts'
import type { LaunchdDomain } from '../../platform/launchd/reading.ts'
import { attachToCore } from '../client.ts'
import { isLockHeld } from '../core-lock.ts'
import { coreJobSpec } from './core-job.ts'
import type { CoreProgram } from './core-program.ts'

export interface LaunchdCoreOptions {
  readonly launchd: Launchd
  readonly label: string
  readonly homeDir: string
  /** Whether servers of ours run: their job must not be unloaded then. */
  readonly serversLive: () => Promise<boolean>
  /** How long to wait for the core to listen. */
  readonly listenMs?: number
  readonly pollMs?: number
}

/** A running job may be in the middle of being unloaded, by a logout or by hand. */
const attempts = 3

/**
 * Settles when the core's socket listens, or when another core has the lock. Throws the reason when launchd did not start it,
 * and the core's last log line when it ended instead.
 */
export const startCoreByLaunchd = async (
  program: CoreProgram,
  { launchd, label, homeDir, serversLive, listenMs = 20_000, pollMs = 100 }: LaunchdCoreOptions,
): Promise<void> => {
  const { folder } = program
  const logPath = folder.logPath('core')
  ensureStateFolder(folder)
  const spec = coreJobSpec(program, { label, homeDir })
  const plistPath = join(folder.root, 'launchd', `${label}.plist`)
  mkdirSync(dirname(plistPath), { recursive: true, mode: 0o700 })
  // A new file each time, replacing the old one: launchd refuses a plist that others may write, and macOS 27 refuses a
  // quarantined one, and overwriting a file doesn't remove its quarantine (BlockBlock#106).
  writePrivateFile(plistPath, renderLaunchdPlist(spec))
  // An earlier core's last line doesn't explain this one's exit.
  const mark = readLogMark(logPath)

  /** Settles when another core has the lock; else throws with this core's last log line. */
  const explainEnd = async (lastExit: string | null): Promise<void> => {
    // Another starter may have won: only the lock proves that its owner is alive.
    if (isLockHeld(folder.lockPath)) return
    const last = (await readLogSince(logPath, mark, 1))[0] ?? 'it said nothing'
    const hints = describeProtectedFolder([program.entryPath, program.nodePath], homeDir)
    throw new Error(
      [
        `the core ended at once (${lastExit ?? 'launchd gives no exit status'}): ${last} (its log is ${logPath})`,
        ...hints,
      ].join('. '),
    )
  }

  /** False: its job is gone. Throws the reason when the core ended by itself or does not listen in time. */
  const isListening = async (domain: LaunchdDomain): Promise<boolean> => {
    const deadline = Date.now() + listenMs
    for (;;) {
      const core = await attachToCore(folder.socketPath)
      if (core !== null) {
        core.close()
        return true
      }
      const reading = await launchd.read(domain, label)
      if (reading.kind === 'not-loaded' || reading.kind === 'no-domain') return false
      if (reading.kind === 'loaded' && reading.job !== null && reading.job.pid === null) {
        await explainEnd(reading.job.lastExit)
        return true
      }
      if (Date.now() > deadline) throw new Error(`the core did not open its socket; its log is ${logPath}`)
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }

  for (let attempt = 1; ; attempt += 1) {
    const started = await launchd.start({ spec, plistPath, mayUnload: !(await serversLive()) })
    switch (started.kind) {
      case 'runs':
        if (await isListening(started.domain)) return
        if (attempt === attempts) throw new Error('launchd keeps unloading the core')
        break
      case 'ended':
        return explainEnd(started.lastExit)
      case 'no-domain':
      case 'failed':
        throw new Error(`launchd did not start the core: ${started.reason}`)
    }
  }
}
