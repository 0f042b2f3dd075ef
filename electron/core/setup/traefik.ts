// Installs the pinned, hash-locked Traefik for a profile with a gateway.
import { chmod, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { mayAccess } from '../base/regular-file.ts'
import { installFolder, unpackRequirements } from './pip-install.ts'
import type { SetupContext } from './setup-step.ts'

/** Our configuration was validated with this release; resources/requirements-traefik.txt pins the same one. */
export const traefikVersion = '3.7.15'
const step = 'traefik'
const requirementsFile = 'requirements-traefik.txt'

const traefikDir = (runtimeDir: string): string => join(runtimeDir, `traefik-${traefikVersion}`)

/** Path of the pinned release once installed. */
export const traefikPath = (runtimeDir: string): string => join(traefikDir(runtimeDir), 'bin', 'traefik')

export const isTraefikInstalled = (runtimeDir: string): boolean =>
  mayAccess(traefikPath(runtimeDir), constants.X_OK)

/** @returns the program's path */
export const ensureTraefik = async (context: SetupContext): Promise<string> => {
  const { runtimeDir } = context
  const isComplete = async () => isTraefikInstalled(runtimeDir)
  await installFolder(context, { step, dir: traefikDir(runtimeDir), isComplete }, async (targetDir) => {
    await unpackRequirements(context, { step, what: 'Traefik', requirementsFile, targetDir })
    await chmod(join(targetDir, 'bin', 'traefik'), 0o755)
  })
  return traefikPath(runtimeDir)
}
