// `nexus key`: one key for each developer. Prints a new key with the lines to paste; `list` masks keys.
import { refuseKeys } from '../../contract/guest-rights.ts'
import { type DeveloperKey, developersOf, findDeveloper } from '../../core/access/developer-keys.ts'
import { changeDeveloperKey, ownConfigReason, readKeyList } from '../../core/access/developer-keys-file.ts'
import { ensureKeys } from '../../core/access/keys.ts'
import { maskKey } from '../../core/access/mask-key.ts'
import { isShellSnippet } from '../../core/clients/client-guide.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { attachToCore } from '../../core/control/client.ts'
import type { CommandNamed } from '../arguments.ts'
import { readHost } from '../attach.ts'
import { type CliContext, fail, printAnswer } from '../context.ts'
import { readClientGuides, readPresentProfile } from '../profile-choice.ts'

type KeyCommand = CommandNamed<'key'>
type KeyChange = Exclude<KeyCommand, { readonly action: 'list' }>

export const runKey = async (command: KeyCommand, context: CliContext): Promise<number> => {
  // Our own keys don't work on another user's stack.
  const user = await readHost(context)
  if (user !== null) return fail(context, refuseKeys(user))
  ensureStateFolder(context.folder)
  const { proxy } = await readPresentProfile(context)
  if (proxy.configPath !== null) return fail(context, ownConfigReason)
  ensureKeys(context.folder.keysDir, proxy.clientKey)
  return command.action === 'list' ? printList(command.json, context) : change(command, context)
}

const change = async (command: KeyChange, context: CliContext): Promise<number> => {
  const { action, developer } = command
  const before = findKey(context, developer)
  const refusal = await changeOnce(context, { action, developer })
  if (refusal !== null) return fail(context, refusal)
  const entry = action === 'revoke' ? null : findKey(context, developer)
  if (entry !== null) return printNewKey(command, context, entry)
  const name = before?.name ?? developer
  return printAnswer(context, command.json, { revoked: name }, [
    `The key of ${name} no longer works. Running requests may finish.`,
  ])
}

const printNewKey = async (
  { action, json }: KeyChange,
  context: CliContext,
  { name, key }: DeveloperKey,
): Promise<number> => {
  const { guides } = await readClientGuides(context)
  const { baseUrl, warnings } = guides
  const snippets = guides.developers.find((developer) => developer.name === name)?.snippets ?? []
  const shells = snippets.filter(isShellSnippet)
  const users = shells.map(({ id, text }) => ({ name, shell: id, snippet: text }))
  const head =
    action === 'rotate' ? `The new key of ${name}; the old one no longer works:` : `The key of ${name}:`
  return printAnswer(context, json, { name, key, baseUrl, users }, [
    `${head}\n`,
    ...shells.map(({ title, text }) => `${title}:\n\n${text}\n`),
    `Claude Code's settings and the rest: nexus clients ${name}`,
    ...warnings.map((warning) => `Note: ${warning}.`),
  ])
}

/** Goes through the core if one runs, so that two changes never race. Returns why it was refused, or null. */
const changeOnce = async (
  context: CliContext,
  wanted: Pick<KeyChange, 'action' | 'developer'>,
): Promise<string | null> => {
  const running = await attachToCore(context.folder.socketPath)
  try {
    const outcome =
      running === null
        ? changeDeveloperKey(context.folder.keysDir, wanted)
        : await running.dispatch({ type: 'key', ...wanted })
    return outcome.accepted ? null : outcome.reason
  } finally {
    running?.close()
  }
}

const findKey = ({ folder }: CliContext, developer: string): DeveloperKey | null =>
  findDeveloper(readKeyList(folder.keysDir)?.keys ?? [], developer) ?? null

const printList = (json: boolean, context: CliContext): number => {
  const list = readKeyList(context.folder.keysDir)
  const developers = (list === null ? [] : developersOf(list)).map(
    ({ name, key, createdAt, configured }) => ({
      name,
      maskedKey: maskKey(key),
      createdAt: createdAt ?? null,
      fromProfile: configured === true,
    }),
  )
  const width = Math.max(...developers.map(({ name }) => name.length), 0)
  const rows = developers.map(({ name, maskedKey, createdAt, fromProfile }) => {
    const made = createdAt === null ? '' : `  since ${new Date(createdAt).toLocaleDateString('sv-SE')}`
    const origin = fromProfile ? "  the profile's key (proxy.clientKey)" : ''
    return `${name.padEnd(width)}  ${maskedKey}${made}${origin}`
  })
  const lines = rows.length === 0 ? ['No developer has a key: nexus key create NAME'] : rows
  return printAnswer(context, json, { developers }, lines)
}
