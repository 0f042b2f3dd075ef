// The path of a Node that an upgrade does not delete, for what is written into files of launchd or systemd.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemPath } from '../../platform/run-command.ts'

/** Homebrew's folders of programs on Apple silicon and on Intel; sessions over SSH and jobs of launchd have neither on PATH. */
const homebrewDirs = ['/opt/homebrew/bin', '/usr/local/bin'] as const

/** The folder of a formula's version, which `brew upgrade` deletes (t3code#11054, pm2#3253). */
const cellarPath = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/

/**
 * The link that Homebrew keeps for whatever version is installed: PREFIX/opt/FORMULA, else one in its folder of programs.
 * Any other path is its own answer.
 */
export const stablePath = (path: string, exists: (path: string) => boolean = existsSync): string => {
  const [, prefix, formula, rest] = cellarPath.exec(path) ?? []
  if (prefix === undefined || formula === undefined || rest === undefined) return path
  const linked = join(prefix, 'opt', formula, rest)
  const name = rest.slice(rest.lastIndexOf('/') + 1)
  const candidates = [linked, join(prefix, 'bin', name), ...homebrewDirs.map((dir) => join(dir, name))]
  return candidates.find(exists) ?? linked
}

/** For a job that a service manager starts: its Node first, then Homebrew's programs, then the system's. */
export const servicePath = (nodePath: string): string =>
  [...new Set([dirname(nodePath), ...homebrewDirs, ...systemPath.split(':')])].join(':')

/** The PATH of a session, with Homebrew's folders at its end where they are missing. */
export const withHomebrew = (searchPath: string): string =>
  [...new Set([...searchPath.split(':').filter((dir) => dir !== ''), ...homebrewDirs])].join(':')
