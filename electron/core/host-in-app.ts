// The core in the app's own process; apart, so that a build which can only attach leaves all of it out.
import { openCoreLog } from './core-log.ts'
import { type HostedCore, hostCore } from './host-core.ts'
import { readLiveServices } from './live-services.ts'
import { createPlatform } from './platform/detect-platform.ts'
import type { StateFolder } from './state-folder.ts'

/** null when another process hosts one. */
export const hostInApp = async (folder: StateFolder, resourcesDir: string): Promise<HostedCore | null> => {
  const log = openCoreLog(folder.logPath('core'))
  const hosted = await hostCore({
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    host: 'app',
    background: false,
    resourcesDir,
    env: process.env,
    logError: log.logError,
  }).catch((error: unknown) => {
    log.close()
    throw error
  })
  if (hosted === null) {
    log.close()
    return null
  }
  let closing: Promise<void> | null = null
  return {
    ...hosted,
    close: () => {
      closing ??= hosted.close().finally(log.close)
      return closing
    },
  }
}

/** Whether services that an earlier core of this state folder started go on without one. The caller looked for a core. */
export const hasOrphans = async (folder: StateFolder): Promise<boolean> => {
  const { processes } = createPlatform({ ramDiskRoot: folder.ramDiskRoot })
  return (await readLiveServices(folder, processes)).length > 0
}
