// `nexus clients NAME --apply`: writes the settings into this user's Claude Code; `--undo` removes them again.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../core/base/error-message.ts'
import type { DeveloperGuide } from '../../core/clients/client-guide.ts'
import { applySettings, undoSettings } from '../../core/clients/settings-apply.ts'
import type { CliCommand } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { UsageError } from '../usage-error.ts'

type ClientsCommand = Extract<CliCommand, { name: 'clients' }>

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
    throw new UsageError(
      `nexus clients --apply: found no name; allowed: ${developers.map(({ name }) => name).join(', ')}`,
    )
  const place = { path: settingsPathOf(context), recordPath: recordPathOf(context) }
  return report(command.json, context, () => {
    const outcome = applySettings(place, developer.settings, { mayReplace: command.force })
    switch (outcome.kind) {
      case 'conflicts':
        return {
          code: exitCodes.failed,
          outcome,
          says: [
            `${outcome.path} has your own values for ${outcome.names.join(', ')}: nothing was written.`,
            `nexus clients ${developer.name} --apply --force replaces them, and --undo brings them back.`,
          ],
        }
      case 'unchanged':
        return { code: exitCodes.done, outcome, says: [`${outcome.path} is already up to date.`] }
      case 'written':
        return {
          code: exitCodes.done,
          outcome,
          says: [
            `${outcome.path} is set up for ${developer.name}; it holds the key, so only you may read it.`,
            ...(outcome.replaced.length === 0 ? [] : [`Replaced: ${outcome.replaced.join(', ')}.`]),
            ...(outcome.backupPath === null ? [] : [`Backup: ${outcome.backupPath}.`]),
            'Claude Code reads it at its next start. nexus clients --undo removes it again.',
          ],
        }
    }
  })
}

export const runClientsUndo = (json: boolean, context: CliContext): number =>
  report(json, context, () => {
    const outcome = undoSettings(recordPathOf(context))
    if (outcome.kind === 'nothing')
      return {
        code: exitCodes.failed,
        outcome,
        says: ['Nothing to undo: nexus clients --apply has written nothing here.'],
      }
    const kept =
      outcome.kept.length === 0 ? [] : [`Changed since, and left alone: ${outcome.kept.join(', ')}.`]
    return {
      code: exitCodes.done,
      outcome,
      says: [`${outcome.path}: removed what nexus clients --apply wrote.`, ...kept],
    }
  })

interface Report {
  readonly code: number
  readonly outcome: object
  readonly says: readonly string[]
}

const report = (json: boolean, context: CliContext, work: () => Report): number => {
  try {
    const { code, outcome, says } = work()
    if (json) context.print(JSON.stringify(outcome, null, 2))
    else for (const line of says) (code === exitCodes.done ? context.print : context.printError)(line)
    return code
  } catch (error) {
    if (json) context.print(JSON.stringify({ error: messageOf(error) }))
    else context.printError(messageOf(error))
    return exitCodes.failed
  }
}
