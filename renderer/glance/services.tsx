// The services, one row each; an unhealthy one expands to its reason, its button and its last log lines.
import { memo } from 'react'
import { type ServiceId, serviceIds, serviceNames } from '../../electron/contract/service-ids.ts'
import { readService } from '../../electron/contract/services.ts'
import { keptEnd } from '../../electron/wording/model-words.ts'
import { Icon } from '../icon.tsx'
import { showView, useSnapshot } from '../mirror.ts'
import {
  describeFigures,
  describeLineTitle,
  describeService,
  describeTrouble,
  phaseIcons,
} from '../service-words.ts'
import { Meter } from './meter.tsx'
import { TroubleCard } from './trouble-card.tsx'

export const Services = () => (
  <section className="section services" aria-label="Services">
    <h2 className="hidden-words">Services</h2>
    <ul>
      {serviceIds.map((id) => (
        <ServiceLine key={id} id={id} />
      ))}
    </ul>
  </section>
)

const ServiceLine = memo(({ id }: { readonly id: ServiceId }) => {
  const line = useSnapshot((snapshot) => ({
    phase: readService(snapshot, id)?.phase ?? null,
    detail: describeService(snapshot, id),
    figures: describeFigures(snapshot, id),
    title: describeLineTitle(snapshot, id),
    trouble: describeTrouble(snapshot, id),
  }))
  if (line === null || line.phase === null) return null
  const { phase, detail, figures, title, trouble } = line
  // A service in trouble must not show as ready.
  const mark = phase === 'ready' && trouble !== null ? 'degraded' : phase
  return (
    <li className="service">
      <button
        type="button"
        className="service-line"
        title={title}
        onClick={() => showView({ id: 'logs', service: id })}
      >
        <span className={`service-mark phase-${mark}`}>
          <Icon name={phaseIcons[mark]} />
        </span>
        <span className="service-name">{serviceNames[id]}</span>
        <span className="hidden-words">{mark}</span>
        <span className="service-detail">{id === 'llamaServer' ? <MiddleCut text={detail} /> : detail}</span>
        <span className="service-figures">{figures}</span>
        <Icon name="next" />
      </button>
      {id === 'ramDisk' && <ForgeMeter />}
      {trouble !== null && <TroubleCard id={id} trouble={trouble} />}
    </li>
  )
})

const ForgeMeter = () => {
  const share = useSnapshot(({ ramDisk }) => {
    if (ramDisk?.mounted !== true || ramDisk.usedBytes === null || ramDisk.totalBytes === null) return null
    return Math.min(1, ramDisk.usedBytes / Math.max(1, ramDisk.totalBytes))
  })
  // The core decides when it is nearly full.
  const full = useSnapshot(({ notices }) => notices.some(({ id }) => id === 'forge-full'))
  if (share === null) return null
  return <Meter share={share} kind={full === true ? 'forge-full' : 'forge'} />
}

/** Text that loses its middle when it doesn't fit: the end of a model's name matters most. */
const MiddleCut = ({ text }: { readonly text: string }) => (
  <>
    {/* A screen reader would read the halves as two words. */}
    <span className="hidden-words">{text}</span>
    <span className="middle-cut" aria-hidden="true">
      <span>{text.slice(0, -keptEnd)}</span>
      <span>{text.slice(-keptEnd)}</span>
    </span>
  </>
)
