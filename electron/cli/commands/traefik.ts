// `nexus traefik`: the configuration for Traefik to serve http://ai.opta.local, printed or written into a folder.

import { join, resolve } from 'node:path'
import { readBlockState, writeBlock } from '../../core/base/managed-file.ts'
import { yamlMarks } from '../../core/base/marked-block.ts'
import { makeFolders } from '../../core/base/regular-file.ts'
import { clientName } from '../../core/config/gateway-address.ts'
import { traefikDynamicConfig, traefikStaticConfig } from '../../core/router/traefik-config.ts'
import { traefikVersion } from '../../core/setup/traefik.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import type { CommandNamed } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { fail } from '../print.ts'
import { readPresentProfile } from '../profile-choice.ts'

/** A placeholder folder for when it is only printed. */
const shownDir = '/usr/local/etc/traefik'

export const runTraefik = async (command: CommandNamed<'traefik'>, context: CliContext): Promise<number> => {
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
      `# nexus traefik --dir DIR writes both (checked with Traefik ${traefikVersion}). If you already run Traefik, you need only the second file.`,
    )
    return exitCodes.done
  }
  // Check both before writing either.
  const edited = files.find(({ path }) =>
    ['edited', 'broken', 'no-block'].includes(readBlockState(path, () => true).kind),
  )
  if (edited !== undefined) return fail(context, `${edited.path} was edited by hand: nothing was written`)
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
