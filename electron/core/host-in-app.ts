// The core in the app's own process; apart, so that a build which can only attach leaves all of it out.
import { type HostedCore, hostCore } from './host-core.ts'
import { createPlatform } from './platform/detect-platform.ts'
import type { StateFolder } from './state-folder.ts'

/** null when another process hosts one. */
export const hostInApp = (folder: StateFolder, resourcesDir: string): Promise<HostedCore | null> =>
  hostCore({
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    host: 'app',
    background: false,
    resourcesDir,
    env: process.env,
  })
