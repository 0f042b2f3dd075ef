// Whether it fits, and what exactly runs: the memory plan, the command line and every adaptation with its reason.
import type { PlanAnswer } from '../../electron/contract/question.ts'
import { serviceNames } from '../../electron/contract/service-ids.ts'
import { formatBytes } from '../../electron/wording/figures.ts'
import { quoteArgv } from '../../electron/wording/shell-quote.ts'
import { Button, CopyButton } from '../buttons.tsx'
import { Fit, fitWords, Lines } from '../fit.tsx'
import { act, showView, useSnapshot } from '../mirror.ts'
import { askPlan, useAnswer } from '../use-answer.ts'
import { AskedView, TableHead } from './asked-view.tsx'

export const Plan = () => {
  // Allocated memory changes when services start and stop.
  const overall = useSnapshot((snapshot) => snapshot.overall) ?? ''
  const asked = useAnswer(askPlan, overall)
  return (
    <AskedView
      asked={asked}
      title="Plan"
      note={({ profile, because }) => `${profile}, ${because}`}
      awaiting="Reading the model files…"
      againLabel="Plan again"
    >
      {(plan) => (
        <>
          <Lines mark="failed" lines={plan.problems} />
          {plan.memory === null ? (
            <Fit fit="unknown">Could not work out whether it fits: {plan.memoryUnknown}</Fit>
          ) : (
            <MemoryPlan memory={plan.memory} />
          )}
          <div className="button-row">
            <Button kind="plain" onClick={() => showView({ id: 'models', service: null })}>
              Which models fit this machine
            </Button>
          </div>
          <Engine engine={plan.engine} />
          {plan.gateway !== null && <Gateway gateway={plan.gateway} />}
        </>
      )}
    </AskedView>
  )
}

const MemoryPlan = ({ memory }: { readonly memory: NonNullable<PlanAnswer['memory']> }) => {
  const running = memory.lines.some((line) => line.allocatedBytes !== null)
  return (
    <section className="block" aria-label="Memory plan">
      <Fit fit={memory.verdict}>
        <b>{fitWords[memory.verdict]}</b>: {formatBytes(memory.totalBytes)} of{' '}
        {formatBytes(memory.machineBytes)}; {memory.agents.note}
      </Fit>
      <Lines mark="info" lines={memory.reasons} />
      <Lines mark="warning" lines={memory.warnings} />
      <table className="table">
        <TableHead titles={['Part', 'Planned', ...(running ? ['Allocated'] : [])]} />
        <tbody>
          {memory.lines.map((line) => (
            <tr key={line.label}>
              <th scope="row">
                {line.label}
                {line.note !== null && <small>{line.note}</small>}
              </th>
              <td>
                {line.estimated && line.bytes !== null ? '≈ ' : ''}
                {formatBytes(line.bytes)}
              </td>
              {running && <td>{formatBytes(line.allocatedBytes)}</td>}
            </tr>
          ))}
          <tr className="table-sum">
            <th scope="row">For the GPU</th>
            <td>{formatBytes(memory.gpu.neededBytes)}</td>
            {running && <td />}
          </tr>
          <tr>
            <th scope="row">GPU limit</th>
            <td>{formatBytes(memory.gpu.limitBytes)}</td>
            {running && <td />}
          </tr>
        </tbody>
      </table>
      <Lines mark="info" lines={memory.suggestions.map(({ text }) => text)} />
    </section>
  )
}

const Engine = ({ engine }: { readonly engine: PlanAnswer['engine'] }) => {
  const { argv } = engine
  return (
    <section className="block" aria-label="Command line">
      <div className="section-head">
        <h2>llama-server {engine.version}</h2>
        {argv !== null && (
          <CopyButton what="the command line" copy={() => act({ type: 'copyText', text: quoteArgv(argv) })} />
        )}
      </div>
      <Lines mark="failed" lines={engine.problems} />
      <Lines mark="warning" lines={engine.warnings} />
      {argv !== null && <pre className="code">{quoteArgv(argv)}</pre>}
      {engine.adaptations.length > 0 && (
        <>
          <h2>Different from the owner’s start script</h2>
          <dl className="adaptations">
            {engine.adaptations.map(({ flag, seed, ours, reason }) => (
              <div key={`${flag} ${reason}`}>
                <dt>
                  <code>{flag}</code> {seed ?? 'not set'} → {ours ?? 'left out'}
                </dt>
                <dd>{reason}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </section>
  )
}

const Gateway = ({ gateway }: { readonly gateway: NonNullable<PlanAnswer['gateway']> }) => (
  <section className="block" aria-label="Gateway">
    <h2>
      {serviceNames.gateway} {gateway.endpoint}
    </h2>
    <pre className="code">{quoteArgv(gateway.argv)}</pre>
    <Lines mark="info" lines={gateway.notes} />
  </section>
)
