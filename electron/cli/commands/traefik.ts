// `nexus traefik`: the configuration with which Traefik serves http://ai.opta.local, shown or written into a folder.

import { join, resolve } from 'node:path'
import { readBlockState, writeBlock } from '../../core/base/managed-file.ts'
import { yamlMarks } from '../../core/base/marked-block.ts'
import { makeFolders } from '../../core/base/regular-file.ts'
import { clientName } from '../../core/config/host-name.ts'
import { traefikDynamicConfig, traefikStaticConfig } from '../../core/router/traefik-config.ts'
import { traefikVersion } from '../../core/setup/traefik.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import type { CliCommand } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readPresentProfile } from '../profile-choice.ts'

/** Where it stands when it is only shown: a folder that the reader replaces. */
const shownDir = '/usr/local/etc/traefik'

export const runTraefik = async (
  command: Extract<CliCommand, { name: 'traefik' }>,
  context: CliContext,
): Promise<number> => {
  const { proxy } = await readPresentProfile(context)
  const dir = command.dir === null ? shownDir : resolve(command.dir)
  const dynamicDir = join(dir, 'dynamic')
  const options = { proxy, listen: command.listen, dynamicDir }
  const files = [
    { path: join(dir, 'traefik.yml'), text: traefikStaticConfig(options) },
    { path: join(dynamicDir, 'opta-nexus.yml'), text: traefikDynamicConfig(options) },
  ]
  if (command.dir === null) {
    for (const { path, text } of files) context.print(`# ${path}\n${text}\n`)
    context.print(
      `# nexus traefik --dir DIR writes both (checked with Traefik ${traefikVersion}). Who runs Traefik already needs the second file alone.`,
    )
    return exitCodes.done
  }
  // Both are looked at before either is written.
  const edited = files.filter(({ path }) => {
    const { kind } = readBlockState(path, () => true)
    return kind === 'edited' || kind === 'broken' || kind === 'no-block'
  })
  if (edited.length > 0) {
    for (const { path } of edited)
      context.printError(`${path} was edited by somebody: it is kept as it is, and nothing was written`)
    return exitCodes.failed
  }
  makeFolders(dynamicDir)
  for (const { path, text } of files) {
    writeBlock(path, { body: text, facts: 'traefik' }, yamlMarks)
    context.print(`wrote ${path}`)
  }
  context.print(
    `Run it:   traefik --configFile=${quoteForShell(join(dir, 'traefik.yml'))}\nClients:  ${clientName} in their hosts file (nexus clients shows the line)`,
  )
  return exitCodes.done
}
