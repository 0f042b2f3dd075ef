// `nexus clients NAME --apply`: writes the settings into this user's Claude Code; `--undo` removes them again.
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DeveloperGuide } from '../../core/clients/client-guide.ts'
import { applySettings, undoSettings } from '../../core/clients/settings-apply.ts'
import type { CommandNamed } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { refuse } from '../options.ts'
import { fail, printAnswer } from '../print.ts'
import { UsageError } from '../usage-error.ts'

type ClientsCommand = CommandNamed<'clients'>

const recordPathOf = ({ folder }: CliContext): string => join(folder.root, 'claude-settings.json')

const settingsPathOf = ({ env }: CliContext): string =>
  join(env['CLAUDE_CONFIG_DIR'] || join(env['HOME'] || homedir(), '.claude'), 'settings.json')

export const runClientsApply = (
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
  printAnswer(context, command.json, outcome, lines)
  return exitCodes.done
}

export const runClientsUndo = (json: boolean, context: CliContext): number => {
  const outcome = undoSettings(recordPathOf(context))
  if (outcome.kind === 'nothing') {
    if (json) context.print(JSON.stringify(outcome, null, 2))
    return fail(context, 'Nothing to undo: nexus clients --apply has written nothing here.')
  }
  const { path, kept } = outcome
  printAnswer(context, json, outcome, [
    `${path}: removed what nexus clients --apply wrote.`,
    ...(kept.length === 0 ? [] : [`Changed since, and left alone: ${kept.join(', ')}.`]),
  ])
  return exitCodes.done
}
