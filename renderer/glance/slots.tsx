// The slots, one card each, and the queue.
import { memo } from 'react'
import type { Slot } from '../../electron/contract/snapshot.ts'
import { formatContext, plural, unknown } from '../../electron/wording/figures.ts'
import { Icon } from '../icon.tsx'
import { useSnapshot } from '../mirror.ts'
import { describeSlot, describeWaiting, listTaken } from '../slot-words.ts'
import { Meter } from './meter.tsx'

/** With more slots, cards shrink to a number and a bar. */
const mostCards = 8

const describeContext = (slots: readonly Slot[]): string => {
  const limit = slots.reduce((most, slot) => Math.max(most, slot.contextLimit), 0)
  return `${formatContext(limit)} context each`
}

export const Slots = () => {
  const slots = useSnapshot((snapshot) => snapshot.slots)
  const others = useSnapshot(({ nodes }) => nodes.length > 0)
  if (slots === null) {
    return (
      <section className="section" aria-label="Slots">
        <h2>Agents</h2>
        <p className="not-known">Slots unknown right now</p>
      </section>
    )
  }
  const dense = slots.length > mostCards
  return (
    <section className="section" aria-label="Slots">
      <div className="section-head">
        <h2>
          Agents on {plural(slots.length, 'slot')}
          {others === true && ' here'}
        </h2>
        <span>{describeContext(slots)}</span>
      </div>
      <ul className={dense ? 'slots slots-dense' : `slots slots-${Math.min(4, slots.length)}`}>
        {slots.map((slot) => (
          <SlotCard key={slot.id} id={slot.id} />
        ))}
      </ul>
      <Waiting />
    </section>
  )
}

/** Follows only its own slot, so that one agent's progress redraws one card. */
const SlotCard = memo(({ id }: { readonly id: number }) => {
  const words = useSnapshot((snapshot) => {
    const slot = snapshot.slots?.find((each) => each.id === id)
    return slot === undefined ? null : describeSlot(slot, listTaken(snapshot).includes(id))
  })
  if (words === null) return null
  return (
    <li className={`slot slot-${words.phase}`}>
      <span className="hidden-words">{words.spoken}</span>
      <div aria-hidden="true" title={words.spoken}>
        <div className="slot-head">
          <span className="slot-name">{words.name}</span>
          <span className="slot-conversation">{words.conversation}</span>
        </div>
        <div className="slot-figure">
          <b className={words.figure === unknown ? 'unknown' : undefined}>{words.figure}</b>
          {words.unit !== '' && (
            <small className={words.unit === '%' ? 'slot-percent' : undefined}>{words.unit}</small>
          )}
        </div>
        <div className="slot-detail">{words.detail}</div>
        <div className="slot-detail">{words.found}</div>
        <Meter share={words.share} kind={words.phase} />
      </div>
    </li>
  )
})

const Waiting = () => {
  const words = useSnapshot(describeWaiting)
  if (words === null) return null
  return (
    <div className="waiting">
      <Icon name="full" />
      <strong>{words.count}</strong>
      <span className="waiting-names" title={words.names}>
        {words.names}
      </span>
      <span className="waiting-longest">{words.longest}</span>
    </div>
  )
}
