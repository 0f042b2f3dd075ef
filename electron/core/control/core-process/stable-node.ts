// A path of Node that an upgrade does not delete, for launchd and systemd files.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemPath } from '../../platform/run-command.ts'

/** Homebrew's bin folders on Apple silicon and Intel; SSH sessions and launchd jobs have neither on PATH. */
const homebrewDirs = ['/opt/homebrew/bin', '/usr/local/bin'] as const

/** A formula's version folder, which `brew upgrade` deletes (t3code#11054, pm2#3253). */
const cellarPath = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/

/**
 * Homebrew's link to the installed version: PREFIX/opt/FORMULA, else one in its bin folder. Returns any other path
 * unchanged.
 */
export const stablePath = (path: string, exists: (path: string) => boolean = existsSync): string => {
  const [, prefix, formula, rest] = cellarPath.exec(path) ?? []
  if (prefix === undefined || formula === undefined || rest === undefined) return path
  const linked = join(prefix, 'opt', formula, rest)
  const name = rest.slice(rest.lastIndexOf('/') + 1)
  const candidates = [linked, join(prefix, 'bin', name), ...homebrewDirs.map((dir) => join(dir, name))]
  return candidates.find(exists) ?? linked
}

/** PATH for a job of a service manager: its Node first, then Homebrew, then the system. */
export const servicePath = (nodePath: string): string =>
  [...new Set([dirname(nodePath), ...homebrewDirs, ...systemPath.split(':')])].join(':')

/** A session's PATH, with missing Homebrew folders appended. */
export const withHomebrew = (searchPath: string): string =>
  [...new Set([...searchPath.split(':').filter((dir) => dir !== ''), ...homebrewDirs])].join(':')
