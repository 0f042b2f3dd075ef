// `nexus clients`: the lines that each developer pastes into shell, Claude Code and SSH config; `--apply` writes Claude Code's
// settings, `--undo` removes them.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { refuseKeys } from '../../contract/guest-rights.ts'
import { findDeveloper } from '../../core/access/developer-keys.ts'
import { type DeveloperGuide, isShellSnippet } from '../../core/clients/client-guide.ts'
import { applySettings, undoSettings } from '../../core/clients/settings-apply.ts'
import type { ControlClient } from '../../core/control/client.ts'
import type { CommandNamed } from '../arguments.ts'
import { attachToRunning } from '../attach.ts'
import { refuse, UsageError } from '../command-line.ts'
import { type CliContext, fail, printAnswer } from '../context.ts'
import { readClientGuides } from '../profile-choice.ts'
import { renderClientGuides } from '../view/clients-view.ts'
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
  return printAnswer(context, command.json, document, [
    ...renderClientGuides({ ...all, developers }, context),
    ...(host === null ? ['Nothing is running now: nexus up starts it.'] : []),
  ])
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

type ClientsCommand = CommandNamed<'clients'>

const recordPathOf = ({ folder }: CliContext): string => join(folder.root, 'claude-settings.json')

const settingsPathOf = ({ env }: CliContext): string =>
  join(env['CLAUDE_CONFIG_DIR'] || join(env['HOME'] || homedir(), '.claude'), 'settings.json')

const runClientsApply = (
  command: ClientsCommand,
  developers: readonly DeveloperGuide[],
  context: CliContext,
): number => {
  const [developer, another] = developers
  if (developer === undefined)
    throw new UsageError('nexus clients --apply: no developer has a key yet; nexus key create NAME makes one')
  if (another !== undefined)
    refuse('nexus clients --apply', 'no name', developers.map(({ name }) => name).join(', '))
  const place = { path: settingsPathOf(context), recordPath: recordPathOf(context) }
  const outcome = applySettings(place, developer.settings, { mayReplace: command.force })
  if (outcome.kind === 'conflicts') {
    if (command.json) context.print(JSON.stringify(outcome, null, 2))
    return fail(
      context,
      `${outcome.path} has your own values for ${outcome.names.join(', ')}: nothing was written.\nnexus clients ${developer.name} --apply --force replaces them, and --undo brings them back.`,
    )
  }
  const lines =
    outcome.kind === 'unchanged'
      ? [`${outcome.path} is already up to date.`]
      : [
          `${outcome.path} is set up for ${developer.name}; it holds the key, so only you may read it.`,
          ...(outcome.replaced.length === 0 ? [] : [`Replaced: ${outcome.replaced.join(', ')}.`]),
          ...(outcome.backupPath === null ? [] : [`Backup: ${outcome.backupPath}.`]),
          'Claude Code reads it at its next start. nexus clients --undo removes it again.',
        ]
  return printAnswer(context, command.json, outcome, lines)
}

const runClientsUndo = (json: boolean, context: CliContext): number => {
  const outcome = undoSettings(recordPathOf(context))
  if (outcome.kind === 'nothing') {
    if (json) context.print(JSON.stringify(outcome, null, 2))
    return fail(context, 'Nothing to undo: nexus clients --apply has written nothing here.')
  }
  const { path, kept } = outcome
  return printAnswer(context, json, outcome, [
    `${path}: removed what nexus clients --apply wrote.`,
    ...(kept.length === 0 ? [] : [`Changed since, and left alone: ${kept.join(', ')}.`]),
  ])
}
