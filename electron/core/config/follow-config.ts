// The config file as it is and whenever it changes, for those who only need to know it, such as the tray.
import { basename, dirname } from 'node:path'
import type { Config } from '../../contract/config.ts'
import { followLink } from '../base/private-file.ts'
import { watchFolder } from '../base/watch-folder.ts'
import { defaultConfig, readConfig } from './config.ts'
import type { StateFolder } from './state-folder.ts'

/**
 * Calls `listener` with the present config and with each later one; the returned function ends that. A file that cannot
 * be used changes nothing: the core says what is wrong with it. The state folder has to be there.
 */
export const followConfig = (
  { configPath, lastGoodConfigPath }: StateFolder,
  listener: (config: Config) => void,
): (() => void) => {
  const tell = () => {
    const config = tryRead(configPath, lastGoodConfigPath)
    if (config !== null) listener(config)
  }
  // The folder, since the file is replaced by a rename whenever it is written; the one of the file behind a link too.
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
