// Updates the agents' files in the developers' projects at each start and change of profile.
import { existsSync } from 'node:fs'
import { messageOf } from '../base/error-message.ts'
import type { AgentsFileContext } from './agents-file.ts'

/** Without installed files it costs one stat. Never rejects; errors go to `onError`. */
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
