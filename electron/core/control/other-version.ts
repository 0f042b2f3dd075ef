// What to do about a core that speaks another contract, such as one that runs on after Nexus was updated. Pure.
import { z } from 'zod'

/** What every version of the contract has said of itself in a snapshot. */
const OwnerLine = z.object({
  snapshot: z.object({ owner: z.object({ pid: z.number().int().positive() }) }),
})

/**
 * One sentence. `nexus down` is no advice: it asks the same core, and its llama-server would load the model again. A core
 * that is ended leaves its services running, and the next one takes them over.
 * @param line what it said, parsed; undefined when it was no JSON
 */
export const describeOtherVersion = (line?: unknown): string => {
  const said = OwnerLine.safeParse(line)
  if (!said.success)
    return 'the running core is of another version: end its process (the app, or nexus serve); its services run on and are taken over by the next'
  const { pid } = said.data.snapshot.owner
  return `the running core (pid ${pid}) is of another version: kill ${pid} ends it alone, and nexus up takes its running services over`
}
