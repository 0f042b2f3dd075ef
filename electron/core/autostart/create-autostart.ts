// Chooses the service manager for this system and user.
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import type { Autostart } from './autostart.ts'
import { createLaunchdAutostart } from './launchd-autostart.ts'
import { createSystemdAutostart } from './systemd-autostart.ts'

export interface AutostartPlace {
  readonly platformId: Platform['id']
  readonly run: RunCommand
  readonly homeDir: string
  readonly stateDir: string
  /** Whether our servers are running, with or without a core. */
  readonly serversLive: () => Promise<boolean>
  readonly env: Readonly<Record<string, string | undefined>>
}

export const createAutostart = ({
  platformId,
  run,
  homeDir,
  stateDir,
  serversLive,
  env,
}: AutostartPlace): Autostart => {
  const { uid, username: userName } = userInfo()
  return platformId === 'darwin'
    ? createLaunchdAutostart({ run, uid, userName, homeDir, stateDir, serversLive })
    : createSystemdAutostart({
        run,
        userName,
        configDir: env['XDG_CONFIG_HOME'] || join(homeDir, '.config'),
        runtimeDir: env['XDG_RUNTIME_DIR'] || `/run/user/${uid}`,
      })
}
