// Describes the work in progress before a stop.
import type { Snapshot } from '../../contract/snapshot.ts'
import { measureWork } from '../../wording/room.ts'
import { countByDeveloper } from './slot-rows.ts'

/**
 * The requests that a stop waits for; null: none. A slot has no name when the Router's requests don't identify it for certain.
 * @param hurried the command that does not wait
 */
export const describeBusy = (snapshot: Snapshot, hurried: string): string | null => {
  const work = measureWork(snapshot)
  if (work.kind === 'none') return null
  if (work.kind === 'unknown') return `Running requests get some time to finish; ${hurried} does not wait.`
  const busy = (snapshot.slots ?? []).filter((slot) => slot.phase !== 'idle')
  const each = busy.map(({ id, developer, phase, generatedTokens }) => {
    const whose = `slot ${id}${developer === null ? '' : ` (${developer})`}`
    return phase === 'prefill'
      ? `${whose} reads its prompt`
      : `${whose} has written ${generatedTokens ?? 'some'} tokens`
  })
  // The Router knows the developer of a request before its slot does.
  const unnamed = busy.length < work.busy || busy.some(({ developer }) => developer === null)
  const served = (snapshot.requests ?? []).filter(({ phase }) => phase !== 'waiting')
  const names = unnamed && served.length > 0 ? ` for ${countByDeveloper(served).join(', ')}` : ''
  const { waiting } = work
  const queue = waiting === 0 ? '' : `, and ${waiting} more ${waiting === 1 ? 'waits' : 'wait'}`
  const doing = each.length === 0 ? '' : `: ${each.join(', ')}`
  return `${work.busy} busy${names}${doing}${queue}. They may finish; ${hurried} does not wait.`
}
