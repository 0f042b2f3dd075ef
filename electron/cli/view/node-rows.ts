// The other Studios in the status view, one line each.
import type { StudioNode } from '../../contract/snapshot.ts'
import { plural } from '../../wording/figures.ts'
import { padEnd, piece, printable, type TextLine, type Tone } from './text-line.ts'

const labelWidth = 13
const tones: Readonly<Record<StudioNode['phase'], Tone>> = {
  ready: 'good',
  degraded: 'warn',
  unreachable: 'bad',
}

const describeSlots = ({ slots, queue }: StudioNode): string => {
  if (slots === null) return 'slots not known'
  const busy = slots.filter(({ phase }) => phase !== 'idle').length
  const waiting = queue === null || queue.deferred === 0 ? '' : `, ${queue.deferred} wait`
  return `${busy} of ${plural(slots.length, 'slot')} busy${waiting}`
}

export const renderNodes = (nodes: readonly StudioNode[]): readonly TextLine[] =>
  nodes.map((node, index) => [
    piece(padEnd(index === 0 ? 'Studios' : '', labelWidth), 'strong'),
    piece(padEnd(printable(node.name), 12), 'strong'),
    piece(` ${padEnd(node.phase, 12)}`, tones[node.phase]),
    piece(node.reason === null ? describeSlots(node) : printable(node.reason)),
    piece(`   ${node.endpoint}`, 'dim'),
  ])
