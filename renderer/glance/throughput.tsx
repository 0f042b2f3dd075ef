// Tokens per second: one huge number and its chart over the last minutes.
import { formatPercent, formatRate } from '../../electron/wording/figures.ts'
import { chooseSpanMinutes, measureWaiting } from '../chart-series.ts'
import { useMirror, useSnapshot } from '../mirror.ts'
import { ThroughputChart } from './throughput-chart.tsx'

export const Throughput = () => {
  const throughput = useSnapshot((snapshot) => snapshot.throughput)
  const rate = throughput?.generationTokensPerSecond ?? null
  const prompt = throughput?.promptTokensPerSecond ?? null
  const acceptance = throughput?.draftAcceptance ?? null
  const others = useSnapshot(({ nodes }) => nodes.length > 0)
  const minutes = useMirror(({ history }) => chooseSpanMinutes(history))
  const waited = useMirror(({ history }) => measureWaiting(history))
  return (
    <section className="section throughput" aria-label="Tokens per second">
      <div className="section-head">
        <h2>Tokens per second{others === true && ' here'}</h2>
        <span>
          last {minutes} min{waited !== null && <b className="waited">, waited ≤ {waited}</b>}
        </span>
      </div>
      <div className="throughput-row">
        <div>
          <div className="throughput-figure">
            <b className={rate === null ? 'unknown' : undefined}>{rate === 0 ? '0' : formatRate(rate)}</b>{' '}
            <small>t/s</small>
          </div>
          <div className="throughput-details">
            <span>
              prefill <b>{prompt === 0 ? '0' : formatRate(prompt)}</b> t/s
            </span>
            {acceptance !== null && (
              <span>
                draft <b>{formatPercent(acceptance)}</b>
              </span>
            )}
          </div>
        </div>
        <ThroughputChart />
      </div>
    </section>
  )
}
