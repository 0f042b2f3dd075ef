// What to do about a core with another contract version, such as one still running after an update of Nexus. Pure.
import { z } from 'zod'

/** The fields that snapshots of every contract version have. */
const OwnerLine = z.object({
  snapshot: z.object({ owner: z.object({ pid: z.number().int().positive() }) }),
})

/**
 * One sentence. Doesn't suggest `nexus down`, which asks the same core, and llama-server would have to load the model again.
 * Ending the core leaves its services running for the next one to take over.
 * @param line the core's parsed line; null when it was not JSON
 */
export const describeOtherVersion = (line?: unknown): string => {
  const said = OwnerLine.safeParse(line)
  if (!said.success)
    return 'the running core has another version: end its process (the app, or nexus serve); its services keep running, and the next core takes them over'
  const { pid } = said.data.snapshot.owner
  return `the running core (pid ${pid}) has another version: kill ${pid} ends only the core, and nexus up takes over its running services`
}
