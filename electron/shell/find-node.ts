// Finds the Node that starts the core: the bundled one, else one on this machine that is new enough.
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface NodePlaces {
  /** The bundled Node; null in a clone. */
  readonly ownPath: string | null
  readonly runtimeDir: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** An app opened by the Finder gets launchd's PATH, which has none of these (recorded: fixtures of `launchctl print`). */
const homebrewDirs = ['/opt/homebrew/bin', '/usr/local/bin'] as const

/** Best first. `nexus app` sets NEXUS_NODE to its own Node; scripts/setup-clone.sh installs the private one. */
export const listNodes = ({ ownPath, runtimeDir, env }: NodePlaces): readonly string[] => {
  const searched = [...(env['PATH'] ?? '').split(delimiter).filter((dir) => dir !== ''), ...homebrewDirs]
  return [
    ...(ownPath === null ? [] : [ownPath]),
    ...(env['NEXUS_NODE'] ? [env['NEXUS_NODE']] : []),
    ...listPrivateNodes(join(runtimeDir, 'node', 'node_modules')),
    ...new Set(searched.map((dir) => join(dir, 'node'))),
  ]
}

const listPrivateNodes = (modulesDir: string): readonly string[] => {
  try {
    return readdirSync(modulesDir)
      .filter((name) => name.startsWith('node-'))
      .map((name) => join(modulesDir, name, 'bin', 'node'))
  } catch {
    // Set-up has not installed one.
    return []
  }
}

/** 22.13 is the first whose node:sqlite needs no flag; 23 had it from 23.4 on and is out of support (nodejs.org/api/sqlite.html). */
export const isNewEnough = (version: string): boolean => {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? []
  return (Number(major) > 22 && Number(major) !== 23) || (Number(major) === 22 && Number(minor) >= 13)
}

/** Throws a message for the user when there is none. */
export const findNode = async (places: NodePlaces): Promise<string> => {
  for (const path of listNodes(places)) {
    const version = await readVersion(path)
    if (version !== null && isNewEnough(version)) return path
  }
  throw new Error(
    'found no Node 22.13 or newer, which the core needs: open the app with scripts/nexus app, which installs one',
  )
}

/** null when it does not run. */
const readVersion = (path: string): Promise<string | null> =>
  new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: versionTimeoutMs }, (error, stdout) =>
      resolve(error === null ? stdout.trim() : null),
    )
  })

/** macOS checks a program's signature when it first runs, which may take seconds. */
const versionTimeoutMs = 20_000
