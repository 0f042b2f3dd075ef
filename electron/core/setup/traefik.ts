// The pinned Traefik, hash-locked: for who asks for it, and for the tests of its configuration.
import { chmod, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { installOnce, unpackRequirements } from './pip-install.ts'
import type { SetupContext } from './setup-step.ts'

const step = 'test-tools'
const requirementsFile = 'requirements-traefik.txt'

/** @returns the program's path */
export const ensureTraefik = async (context: SetupContext, version: string): Promise<string> => {
  const dir = join(context.runtimeDir, `traefik-${version}`)
  const path = join(dir, 'bin', 'traefik')
  const isThere = () =>
    stat(path).then(
      () => true,
      () => false,
    )
  await installOnce(context, step, isThere, async () => {
    const partialDir = `${dir}.partial`
    await rm(partialDir, { recursive: true, force: true })
    await unpackRequirements(context, { step, what: 'Traefik', requirementsFile, targetDir: partialDir })
    await chmod(join(partialDir, 'bin', 'traefik'), 0o755)
    await rename(partialDir, dir)
  })
  return path
}
