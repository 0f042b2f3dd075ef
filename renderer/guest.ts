// What a guest may do in this window: the same rights that the host's core checks, applied before a button is drawn.
import type { Command } from '../electron/contract/command.ts'
import { hostOf, refuseCommand } from '../electron/contract/guest-rights.ts'
import { useMirror } from './mirror.ts'

/** The user who owns this stack, if this app is a guest; null: our own stack, or none. */
export const useHost = (): string | null => useMirror(({ app }) => (app === null ? null : hostOf(app)))

/** Why a guest may not send these commands, in one sentence; null: allowed. */
export const useRefusal = (commands: readonly Command[]): string | null => {
  const host = useHost()
  if (host === null) return null
  return commands.map((command) => refuseCommand(command, host)).find((reason) => reason !== null) ?? null
}
