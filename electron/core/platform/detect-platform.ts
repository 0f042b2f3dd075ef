// Picks the platform implementation for this system.
import { createDarwinPlatform } from './darwin-platform.ts'
import { createLinuxPlatform } from './linux-platform.ts'
import type { Platform } from './platform.ts'

export interface PlatformOptions {
  /** Folder of the default mount points on Linux; macOS mounts under /Volumes. */
  readonly ramDiskRoot: string
}

export const createPlatform = (options: PlatformOptions, system: string = process.platform): Platform => {
  switch (system) {
    case 'darwin':
      return createDarwinPlatform()
    case 'linux':
      return createLinuxPlatform(options)
    default:
      throw new Error(`Opta Nexus runs on macOS and Linux; this is ${system}`)
  }
}
