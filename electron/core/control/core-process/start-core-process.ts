// Starts `nexus serve` in a process that outlives its caller, as this platform requires.
import { homedir, userInfo } from 'node:os'
import { locateStateFolder } from '../../config/state-folder.ts'
import { createLaunchd } from '../../platform/launchd/launchd.ts'
import type { Platform } from '../../platform/platform.ts'
import { createCommandRunner } from '../../platform/run-command.ts'
import { readLiveServices } from '../../stack/live-services.ts'
import { coreLabel } from './core-job.ts'
import type { CoreProgram } from './core-program.ts'
import { startCoreByLaunchd } from './start-by-launchd.ts'
import { startDetachedCore } from './start-detached.ts'

/** Settles when a core listens or is about to. Two at once are harmless: the lock lets one win. */
export const startCoreProcess = async (
  program: CoreProgram,
  platform: Pick<Platform, 'id' | 'processes'>,
): Promise<void> => {
  if (platform.id !== 'darwin') return startDetachedCore(program)
  const homeDir = homedir()
  const { folder } = program
  return startCoreByLaunchd(program, {
    launchd: createLaunchd({ run: createCommandRunner(), uid: userInfo().uid }),
    label: coreLabel(folder.root, locateStateFolder({}, 'darwin', homeDir).root),
    homeDir,
    serversLive: async () => (await readLiveServices(folder, platform.processes)).length > 0,
  })
}
