// The glance: everything a person wants to know, most urgent first.
import { needsSetUp } from '../../electron/wording/state-words.ts'
import { wasStartRefused } from '../judgement.ts'
import { useMirror, useSnapshot } from '../mirror.ts'
import { hasTrouble } from '../service-words.ts'
import { DeveloperUse } from '../views/developer-use.tsx'
import { Endpoint } from './endpoint.tsx'
import { Events } from './events.tsx'
import { FirstRun, SetUpFailure } from './first-run.tsx'
import { Headline } from './headline.tsx'
import { MemoryMap } from './memory-map.tsx'
import { Models } from './models.tsx'
import { Nodes } from './nodes.tsx'
import { Notices } from './notices.tsx'
import { Services } from './services.tsx'
import { Slots } from './slots.tsx'
import { Steps } from './steps.tsx'
import { StoppedPlan } from './stopped-plan.tsx'
import { Throughput } from './throughput.tsx'

export const Glance = () => {
  const lost = useMirror(({ app }) => app?.link.kind === 'lost')
  const shown = useSnapshot((snapshot) => ({
    overall: snapshot.overall,
    serving: snapshot.slots !== null,
    settingUp: needsSetUp(snapshot),
    refused: wasStartRefused(snapshot),
    // Broken services come before full ones.
    troubled: hasTrouble(snapshot),
  }))
  const live = shown !== null
  const { overall = null, serving, settingUp, refused, troubled } = shown ?? {}
  // During a start no request is served yet, although slots may exist.
  const running = overall !== 'starting' && (serving || overall === 'ready' || overall === 'degraded')
  return (
    <div className="glance">
      <Headline />
      {lost && (
        <p className="section not-known">
          Nothing is shown because nothing is known. A core that crashes leaves its services running.
        </p>
      )}
      {live && <Notices />}
      {settingUp && <FirstRun />}
      {settingUp && <Models />}
      {/* The notices of broken services leave the reason to these cards. */}
      {settingUp && troubled && <Services />}
      {live && !settingUp && (
        <div className="glance-columns">
          <div className="glance-column">
            {overall === 'stopped' && <StoppedPlan />}
            {refused && (
              <div className="section">
                <SetUpFailure />
              </div>
            )}
            {overall === 'starting' && <Steps />}
            {running && <Slots />}
            {running && <Throughput />}
            {running && (
              <div className="section wide-only">
                <DeveloperUse />
              </div>
            )}
          </div>
          <div className="glance-column">
            {troubled && <Services />}
            <MemoryMap />
            {!troubled && overall !== 'starting' && <Services />}
            <Models />
            <Nodes />
            <Events />
          </div>
        </div>
      )}
      {live && !settingUp && <Endpoint />}
    </div>
  )
}
