// At each start and change of profile: the files in the developers' projects say what it gives their agents.
import { existsSync } from 'node:fs'
import { messageOf } from '../base/error-message.ts'
import type { AgentsFileContext } from './agents-file.ts'

/** Costs one look at the disk where no file was installed. Rejects never: `onError` is told what went wrong. */
export const tellAgents = async (
  context: Omit<AgentsFileContext, 'engineIsReady'>,
  onError: (error: Error) => void,
): Promise<void> => {
  if (!existsSync(context.folder.agentsFilesPath)) return
  try {
    const { refreshAgentsFiles } = await import('./agents-file.ts')
    for (const reason of await refreshAgentsFiles({ ...context, engineIsReady: false }))
      onError(new Error(reason))
  } catch (error) {
    onError(new Error(messageOf(error)))
  }
}
