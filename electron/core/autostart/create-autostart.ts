// Chooses the service manager for this system and user.
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Platform } from '../platform/platform.ts'
import type { Autostart } from './autostart.ts'
import { createLaunchdAutostart, type LaunchdAutostartOptions } from './launchd-autostart.ts'
import { createSystemdAutostart } from './systemd-autostart.ts'

export interface AutostartPlace
  extends Pick<LaunchdAutostartOptions, 'run' | 'homeDir' | 'stateDir' | 'serversLive'> {
  readonly platformId: Platform['id']
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
