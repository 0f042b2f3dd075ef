// Prepares the app's tests: an Electron, the app build that it can run, and a Chromium for the window alone.
import { join } from 'node:path'
import {
  ensurePackagedElectron,
  readElectronVersion,
  readPinnedElectronVersion,
} from '../electron/cli/commands/app.ts'
import type { SetupContext } from '../electron/core/setup/setup-step.ts'
import { buildApp } from './app-build.ts'
import type { AppVariant } from './app-variants.ts'
import { ensureCompatElectron, ensureDesktop } from './desktop-setup.ts'

/** `pinned`: the Electron that the app is built for, or the one in NEXUS_ELECTRON; else the one from a wheel. */
export type ElectronChoice = 'pinned' | 'compatibility'

/** The variables that point the tests to them; without those, the app's tests are skipped. */
export const setUpAppTests = async (
  root: string,
  context: SetupContext,
  choice: ElectronChoice,
): Promise<Readonly<Record<string, string>>> => {
  const electron = choice === 'pinned' ? await ensurePinned(root, context) : null
  const desktop = await ensureDesktop(context)
  if (desktop === null) return {}
  const path = electron ?? (await ensureCompatElectron(context))
  const variant: AppVariant = electron === null ? 'compatibility' : 'shipped'
  return {
    ...(desktop.chromiumPath === null ? {} : { NEXUS_TEST_CHROMIUM: desktop.chromiumPath }),
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
    context.report({ step: 'test-tools', message })
  })
  if (electron === null) throw new Error(`--electron: ${notes.at(-1)}`)
  return electron.path
}
