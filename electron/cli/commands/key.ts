// `nexus key`: one key for each developer. Prints a new key with the lines to paste; `list` masks keys.

import { refuseKeys } from '../../contract/guest-rights.ts'
import { type DeveloperKey, developersOf, findDeveloper } from '../../core/access/developer-keys.ts'
import { changeDeveloperKey, ownConfigReason, readKeyList } from '../../core/access/developer-keys-file.ts'
import { ensureKeys } from '../../core/access/keys.ts'
import { maskKey } from '../../core/access/mask-key.ts'
import { shellIds } from '../../core/clients/shell-snippets.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { attachToCore } from '../../core/control/client.ts'
import type { CliCommand, KeyAction } from '../arguments.ts'
import { readHost } from '../attach.ts'
import { readClientGuides } from '../client-guides.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readPresentProfile } from '../profile-choice.ts'

type KeyCommand = Extract<CliCommand, { name: 'key' }>
type Change = Exclude<KeyAction, 'list'>

export const runKey = async (command: KeyCommand, context: CliContext): Promise<number> => {
  // Our own keys don't work on another user's stack.
  const user = await readHost(context)
  if (user !== null) return fail(command, context, refuseKeys(user))
  ensureStateFolder(context.folder)
  const { proxy } = await readPresentProfile(context)
  if (proxy.configPath !== null) return fail(command, context, ownConfigReason)
  ensureKeys(context.folder.keysDir, proxy.clientKey)
  if (command.action === 'list' || command.developer === null) return printList(command, context)
  const { action, developer } = command
  const before = findKey(context, developer)
  const refusal = await change(context, action, developer)
  if (refusal !== null) return fail(command, context, refusal)
  const entry = action === 'revoke' ? null : findKey(context, developer)
  if (entry === null) {
    const name = before?.name ?? developer
    context.print(
      command.json
        ? JSON.stringify({ revoked: name })
        : `The key of ${name} no longer works. Running requests may finish.`,
    )
    return exitCodes.done
  }
  return printNewKey(command, context, entry)
}

const printNewKey = async (
  command: KeyCommand,
  context: CliContext,
  entry: DeveloperKey,
): Promise<number> => {
  const { guides } = await readClientGuides(context)
  const { baseUrl, warnings } = guides
  const snippets = guides.developers.find(({ name }) => name === entry.name)?.snippets ?? []
  const shells = snippets.filter(({ id }) => shellIds.some((shell) => shell === id))
  if (command.json) {
    const users = shells.map(({ id, text }) => ({ name: entry.name, shell: id, snippet: text }))
    context.print(JSON.stringify({ name: entry.name, key: entry.key, baseUrl, users }, null, 2))
    return exitCodes.done
  }
  const rotated = command.action === 'rotate'
  context.print(
    `The ${rotated ? 'new ' : ''}key of ${entry.name}${rotated ? '; the old one no longer works' : ''}:\n`,
  )
  for (const { title, text } of shells) context.print(`${title}:\n\n${text}\n`)
  context.print(`Claude Code's settings and the rest: nexus clients ${entry.name}`)
  for (const warning of warnings) context.print(`Note: ${warning}.`)
  return exitCodes.done
}

/** Goes through the core if one runs, so that two changes never race. Returns why it was refused, or null. */
const change = async (context: CliContext, action: Change, developer: string): Promise<string | null> => {
  const running = await attachToCore(context.folder.socketPath)
  try {
    const outcome =
      running === null
        ? changeDeveloperKey(context.folder.keysDir, { action, developer })
        : await running.dispatch({ type: 'key', action, developer })
    return outcome.accepted ? null : outcome.reason
  } finally {
    running?.close()
  }
}

const findKey = ({ folder }: CliContext, developer: string): DeveloperKey | null =>
  findDeveloper(readKeyList(folder.keysDir)?.keys ?? [], developer) ?? null

const printList = (command: KeyCommand, context: CliContext): number => {
  const list = readKeyList(context.folder.keysDir)
  const developers = (list === null ? [] : developersOf(list)).map(
    ({ name, key, createdAt, configured }) => ({
      name,
      maskedKey: maskKey(key),
      createdAt: createdAt ?? null,
      fromProfile: configured === true,
    }),
  )
  if (command.json) context.print(JSON.stringify({ developers }, null, 2))
  else if (developers.length === 0) context.print('No developer has a key: nexus key create NAME')
  const width = Math.max(...developers.map(({ name }) => name.length), 0)
  if (!command.json)
    for (const { name, maskedKey, createdAt, fromProfile } of developers) {
      const made = createdAt === null ? '' : `  since ${new Date(createdAt).toLocaleDateString('sv-SE')}`
      const origin = fromProfile ? "  the profile's key (proxy.clientKey)" : ''
      context.print(`${name.padEnd(width)}  ${maskedKey}${made}${origin}`)
    }
  return exitCodes.done
}

const fail = (command: KeyCommand, context: CliContext, reason: string): number => {
  if (command.json) context.print(JSON.stringify({ error: reason }))
  else context.printError(reason)
  return exitCodes.failed
}
