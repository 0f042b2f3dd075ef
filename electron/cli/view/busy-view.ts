// Who is at work when something is about to stop.
import type { Snapshot } from '../../contract/snapshot.ts'
import { measureWork } from '../../wording/work.ts'
import { countByDeveloper } from './developer-names.ts'

/**
 * Whose work a stop waits for; null: nobody's. A slot without a name is one that the Router's requests do not tell without doubt.
 * @param hurried the command that does not wait
 */
export const describeBusy = (snapshot: Snapshot, hurried: string): string | null => {
  const work = measureWork(snapshot)
  if (work.kind === 'none') return null
  if (work.kind === 'unknown') return `Running requests may finish for a while; ${hurried} does not wait.`
  const busy = (snapshot.slots ?? []).filter((slot) => slot.phase !== 'idle')
  const each = busy.map(({ id, developer, phase, generatedTokens }) => {
    const whose = `slot ${id}${developer === null ? '' : ` (${developer})`}`
    return phase === 'prefill'
      ? `${whose} reads its prompt`
      : `${whose} has written ${generatedTokens ?? 'some'} tokens`
  })
  // The Router knows whom it let through before their slots do.
  const unnamed = busy.length < work.busy || busy.some(({ developer }) => developer === null)
  const served = (snapshot.requests ?? []).filter(({ phase }) => phase !== 'waiting')
  const names = unnamed && served.length > 0 ? ` for ${countByDeveloper(served).join(', ')}` : ''
  const { waiting } = work
  const queue = waiting === 0 ? '' : `, and ${waiting} more ${waiting === 1 ? 'waits' : 'wait'}`
  const doing = each.length === 0 ? '' : `: ${each.join(', ')}`
  return `${work.busy} busy${names}${doing}${queue}. They may finish; ${hurried} does not wait.`
}
