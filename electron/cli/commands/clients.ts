// `nexus clients`: the lines that each developer pastes into shell, Claude Code and SSH config.

import { refuseKeys } from '../../contract/guest-rights.ts'
import { findDeveloper } from '../../core/access/developer-keys.ts'
import { isShellSnippet } from '../../core/clients/client-guide.ts'
import type { ControlClient } from '../../core/control/client.ts'
import type { CommandNamed } from '../arguments.ts'
import { attachToRunning } from '../attach.ts'
import { readClientGuides } from '../client-guides.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { fail, printAnswer } from '../print.ts'
import { UsageError } from '../usage-error.ts'
import { renderClientGuides } from '../view/clients-view.ts'
import { runClientsApply, runClientsUndo } from './clients-apply.ts'
import { runClientsTest } from './clients-test.ts'

export const runClients = async (command: CommandNamed<'clients'>, context: CliContext): Promise<number> => {
  if (command.test) return runClientsTest(command, context)
  // Undoing needs no stack, and works for settings of any stack.
  if (command.apply === 'undo') return runClientsUndo(command.json, context)
  const host = await attachToRunning(context)
  if (host !== null && host.user !== null) return explainToGuest(host, host.user, command.json, context)
  host?.close()
  const { guides: all, apiKey } = await readClientGuides(context)
  const named = command.developer === null ? null : findDeveloper(all.developers, command.developer)
  if (named === undefined) {
    const names = all.developers.map(({ name }) => name).join(', ') || 'none yet'
    throw new UsageError(`nexus clients: found no developer "${command.developer}"; there are: ${names}`)
  }
  const developers = named === null ? all.developers : [named]
  if (command.apply === 'apply') return runClientsApply(command, developers, context)
  const users = developers.flatMap(({ name, snippets }) =>
    snippets.filter(isShellSnippet).map(({ id, text }) => ({ name, shell: id, snippet: text })),
  )
  const { baseUrl, models, limits, warnings } = all
  const warning = warnings.length === 0 ? null : warnings.join('; ')
  const details = developers.map(({ name, key, snippets }) => ({
    name,
    key,
    snippets: snippets.map(({ id, title, text, notes }) => ({ id, title, text, notes })),
  }))
  const document = { baseUrl, apiKey, models, users, warning, limits, developers: details }
  printAnswer(context, command.json, document, [
    ...renderClientGuides({ ...all, developers }, context),
    ...(host === null ? ['Nothing is running now: nexus up starts it.'] : []),
  ])
  return exitCodes.done
}

/** Tells a guest the Router's address and whom to ask for a key: keys in the guest's own state folder are useless there. */
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
  return fail(
    context,
    `${refuseKeys(user)}\nThe Router answers at ${baseUrl}; developers with keys: ${names.join(', ') || 'none'}.`,
  )
}
