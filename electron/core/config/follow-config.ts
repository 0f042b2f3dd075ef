// Watches the config file for read-only users such as the tray.
import { basename, dirname } from 'node:path'
import type { Config } from '../../contract/config.ts'
import { followLink } from '../base/private-file.ts'
import { watchFolder } from '../base/watch-folder.ts'
import { defaultConfig, readConfig } from './config.ts'
import type { StateFolder } from './state-folder.ts'

/**
 * Calls `listener` with the current config and after each change, until the returned function is called. An invalid file
 * is ignored: the core reports it. The state folder must exist.
 */
export const followConfig = (
  { configPath, lastGoodConfigPath }: StateFolder,
  listener: (config: Config) => void,
): (() => void) => {
  const tell = () => {
    const config = tryRead(configPath, lastGoodConfigPath)
    if (config !== null) listener(config)
  }
  // Watch the folder, because each write replaces the file by a rename; also the folder of a link's target.
  const paths = new Set([configPath, followLink(configPath)])
  const unfollow = [...paths].map((path) =>
    watchFolder(dirname(path), (name) => {
      if (name === null || name === basename(path)) tell()
    }),
  )
  listener(
    tryRead(configPath, lastGoodConfigPath) ??
      tryRead(lastGoodConfigPath, lastGoodConfigPath) ??
      defaultConfig,
  )
  return () => {
    for (const end of unfollow) end()
  }
}

const tryRead = (path: string, lastGoodPath: string): Config | null => {
  try {
    return readConfig(path, lastGoodPath)
  } catch {
    return null
  }
}
