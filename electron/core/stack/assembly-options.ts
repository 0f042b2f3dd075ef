// What the services of one profile are built from.
import type { StackEvent } from '../../contract/notice.ts'
import type { Profile } from '../../contract/profile.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Platform } from '../platform/platform.ts'
import type { SuperviseOptions } from '../supervise/supervised-child.ts'

export interface AssemblyOptions extends SuperviseOptions {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly profile: Profile
  /** Reports an event that no snapshot shows. */
  readonly note: (event: StackEvent) => void
}
