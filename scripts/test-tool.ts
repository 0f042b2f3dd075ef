// Installs what only the tests need into a folder of the runtime, once for each state of its lock.
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installFolder } from '../electron/core/setup/pip-install.ts'
import type { SetupContext } from '../electron/core/setup/setup-step.ts'

/**
 * Returns the folder, which has its name only once `install` has filled it.
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
  await installFolder(context, { step: 'test-tools', dir, isComplete }, async (partialDir) => {
    await install(partialDir)
    await writeFile(join(partialDir, '.complete'), stamp)
  })
  return dir
}
