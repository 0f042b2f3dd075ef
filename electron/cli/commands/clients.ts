// `nexus clients`: what each developer pastes into their shell, their Claude Code and their SSH.

import { refuseKeys } from '../../contract/guest-rights.ts'
import { findDeveloper } from '../../core/access/developer-keys.ts'
import { shellIds } from '../../core/clients/shell-snippets.ts'
import type { ControlClient } from '../../core/control/client.ts'
import type { CliCommand } from '../arguments.ts'
import { attachToRunning } from '../attach.ts'
import { readClientGuides } from '../client-guides.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { UsageError } from '../usage-error.ts'
import { renderClientGuides } from '../view/clients-view.ts'
import { runClientsApply, runClientsUndo } from './clients-apply.ts'
import { runClientsTest } from './clients-test.ts'

export const runClients = async (
  command: Extract<CliCommand, { name: 'clients' }>,
  context: CliContext,
): Promise<number> => {
  if (command.test) return runClientsTest(command, context)
  // What was written can be taken out whatever runs, and whoever's stack it was.
  if (command.apply === 'undo') return runClientsUndo(command.json, context)
  const host = await attachToRunning(context)
  if (host !== null && host.user !== null) return explainToGuest(host, host.user, command.json, context)
  host?.close()
  const { guides: all, apiKey } = await readClientGuides(context)
  const named = command.developer === null ? null : findDeveloper(all.developers, command.developer)
  if (named === undefined) {
    const names = all.developers.map(({ name }) => name).join(', ') || 'nobody yet'
    throw new UsageError(`nexus clients: found no developer "${command.developer}"; there are: ${names}`)
  }
  const developers = named === null ? all.developers : [named]
  if (command.apply === 'apply') return runClientsApply(command, developers, context)
  const guides = { ...all, developers }
  if (command.json) {
    const users = developers.flatMap(({ name, snippets }) =>
      snippets
        .filter(({ id }) => shellIds.some((shell) => shell === id))
        .map(({ id, text }) => ({ name, shell: id, snippet: text })),
    )
    const { baseUrl, models, limits, warnings } = guides
    const warning = warnings.length === 0 ? null : warnings.join('; ')
    const details = developers.map(({ name, key, snippets }) => ({
      name,
      key,
      snippets: snippets.map(({ id, title, text, notes }) => ({ id, title, text, notes })),
    }))
    const answer = { baseUrl, apiKey, models, users, warning, limits, developers: details }
    context.print(JSON.stringify(answer, null, 2))
    return exitCodes.done
  }
  for (const line of renderClientGuides(guides, context)) context.print(line)
  if (host === null) context.print('Nothing is running now: nexus up starts it.')
  return exitCodes.done
}

/** Where to ask, and whom for the key: one of this user's own state folder would open nothing there. */
const explainToGuest = async (
  host: ControlClient,
  user: string,
  json: boolean,
  context: CliContext,
): Promise<number> => {
  const { baseUrl, developers } = await host.ask({ type: 'clients' })
  host.close()
  const names = developers.map(({ name }) => name)
  if (json) context.print(JSON.stringify({ error: refuseKeys(user), baseUrl, developers: names }))
  else {
    context.printError(refuseKeys(user))
    context.printError(
      `The Router answers at ${baseUrl}; keys were made for: ${names.join(', ') || 'nobody'}.`,
    )
  }
  return exitCodes.failed
}
