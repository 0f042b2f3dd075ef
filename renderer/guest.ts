// What a guest of another user's stack may do in this window: the rights that their core checks, asked before a button is drawn.
import type { Command } from '../electron/contract/command.ts'
import { hostOf, refuseCommand } from '../electron/contract/guest-rights.ts'
import { useMirror } from './mirror.ts'

/** The user whose stack this is and whose guest this app is; null: its own user's, or nobody's. */
export const useHost = (): string | null => useMirror(({ app }) => (app === null ? null : hostOf(app)))

/** Why none of these can be sent from here, in one sentence; null: they can. */
export const useRefusal = (commands: readonly Command[]): string | null => {
  const host = useHost()
  if (host === null) return null
  return commands.map((command) => refuseCommand(command, host)).find((reason) => reason !== null) ?? null
}
