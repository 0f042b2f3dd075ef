// Finds or downloads the Electron that opens the app from a clone.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { runBounded } from '../core/base/run-bounded.ts'

/** An Electron older than the one the app is built for needs the lowered build (scripts/app-build.ts). */
export const needsLoweredBuild = (version: string, builtFor: string): boolean =>
  Number(version.split('.')[0]) < Number(builtFor.split('.')[0])

/** Throws, naming the setting, when it is not an Electron that runs here. */
export const readElectronVersion = async (path: string): Promise<string> => {
  // As Node, so that no screen is needed.
  const result = await runBounded(
    path,
    ['-p', 'process.versions.electron'],
    { timeoutMs: 60_000 },
    { env: { ELECTRON_RUN_AS_NODE: '1' } },
  )
  const version = /^\d+\.\d+\.\d+\S*$/m.exec(result.stdout ?? '')?.[0]
  if (version === undefined) {
    throw new Error(
      `NEXUS_ELECTRON is "${path}", which does not run as Electron; allowed: the path of an electron program`,
    )
  }
  return version
}

/**
 * The npm package `electron` in `modulesDir`. Its install.js downloads the program from GitHub or ELECTRON_MIRROR and
 * checks it against the package's own hashes. null on failure, with the reason passed to `say`.
 */
export const ensurePackagedElectron = async (
  modulesDir: string,
  say: (message: string) => void,
): Promise<{ readonly path: string; readonly version: string } | null> => {
  const packageDir = join(modulesDir, 'electron')
  const version = readPinnedElectronVersion(modulesDir)
  const installed = () => readInstalled(packageDir, version)
  const found = installed()
  if (found !== null) return found
  say(`Fetching Electron ${version}`)
  const result = await execa(process.execPath, [join(packageDir, 'install.js')], {
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: 30 * 60_000,
  })
  if (!result.failed) return installed()
  const why = (result.all ?? '').split('\n').find((line) => line.trim() !== '') ?? 'it said nothing'
  say(`Could not download Electron ${version} from GitHub or ELECTRON_MIRROR: ${why.trim()}`)
  return null
}

/** The version of Electron that the app is built for. */
export const readPinnedElectronVersion = (modulesDir: string): string => {
  const text = readFileSync(join(modulesDir, 'electron', 'package.json'), 'utf8')
  const version: unknown = JSON.parse(text).version
  if (typeof version !== 'string') throw new Error('node_modules/electron/package.json names no version')
  return version
}

/** install.js writes path.txt last. */
const readInstalled = (packageDir: string, version: string) => {
  const placePath = join(packageDir, 'path.txt')
  if (!existsSync(placePath)) return null
  const path = join(packageDir, 'dist', readFileSync(placePath, 'utf8'))
  return existsSync(path) ? { path, version } : null
}
