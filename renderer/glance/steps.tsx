// A start, step by step: what each service waits for, and the proof at the end.

import { type ServiceId, serviceIds, serviceNames } from '../../electron/contract/service-ids.ts'
import { readService } from '../../electron/contract/services.ts'
import type { Phase } from '../../electron/contract/snapshot.ts'
import { formatDuration } from '../../electron/wording/figures.ts'
import { Icon } from '../icon.tsx'
import { useSnapshot } from '../mirror.ts'
import { describeTrouble, phaseIcons } from '../service-words.ts'
import { TroubleCard } from './trouble-card.tsx'

export const Steps = () => (
  <section className="section" aria-label="Progress of the start">
    <h2>Starting</h2>
    <ol className="steps">
      {serviceIds.map((id) => (
        <ServiceStep key={id} id={id} />
      ))}
      <ProofStep />
    </ol>
  </section>
)

const ServiceStep = ({ id }: { readonly id: ServiceId }) => {
  const step = useSnapshot((snapshot) => {
    const state = readService(snapshot, id)
    if (state === null) return null
    const { phase, waitingFor, since } = state
    return {
      phase,
      words: phase === 'starting' ? (waitingFor ?? phase) : phase,
      elapsed: phase === 'starting' ? formatDuration((snapshot.takenAt - since) / 1000) : '',
      trouble: describeTrouble(snapshot, id),
    }
  })
  if (step === null) return null
  const { phase, words, elapsed, trouble } = step
  return (
    <>
      <Step phase={phase} name={serviceNames[id]} words={words} elapsed={elapsed} />
      {trouble !== null && (
        <li>
          <TroubleCard id={id} trouble={trouble} />
        </li>
      )}
    </>
  )
}

const ProofStep = () => {
  const proving = useSnapshot(
    ({ services }) => services.llamaServer.phase === 'ready' && services.proxy.phase === 'ready',
  )
  const failure = useSnapshot(({ proofFailure }) => proofFailure)
  const words =
    failure ?? (proving === true ? 'asking the model through the Router' : 'when both servers are ready')
  return <Step phase={proving === true ? 'starting' : 'stopped'} name="Proof" words={words} elapsed="" />
}

interface StepProps {
  readonly phase: Phase
  readonly name: string
  readonly words: string
  readonly elapsed: string
}

const Step = ({ phase, name, words, elapsed }: StepProps) => (
  <li className={`step step-${phase}`}>
    <span className={`service-mark phase-${phase}`}>
      <Icon name={phaseIcons[phase]} />
    </span>
    <span className="service-name">{name}</span>
    <span className="service-detail" title={words}>
      {words}
    </span>
    <span className="service-figures">{elapsed}</span>
  </li>
)
