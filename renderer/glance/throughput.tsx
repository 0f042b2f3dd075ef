// Tokens per second: one huge number, and the rate over the last minutes with the times when requests waited shaded.
import { memo } from 'react'
import { Area, AreaChart, ResponsiveContainer, XAxis, YAxis } from 'recharts'
import { formatPercent, formatRate } from '../../electron/wording/figures.ts'
import { buildSeries, chooseSpanMinutes, describeSeries, measureWaiting } from '../history.ts'
import { useMirror, useSnapshot } from '../mirror.ts'

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

const ThroughputChart = memo(() => {
  const history = useMirror((mirror) => mirror.history)
  const { points, top, from, to } = buildSeries(history)
  return (
    <figure className="chart" role="img" aria-label={describeSeries(history)}>
      <div className="chart-shape">
        {points.length > 1 && (
          <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 200, height: 64 }}>
            <AreaChart
              data={[...points]}
              margin={{ top: 2, right: 0, bottom: 0, left: 0 }}
              accessibilityLayer={false}
            >
              <XAxis dataKey="at" type="number" domain={[from, to]} hide />
              <YAxis domain={[0, top]} hide />
              <Area
                className="chart-waiting"
                dataKey="waiting"
                type="step"
                baseValue={0}
                stroke="none"
                fill="var(--warn-fill)"
                isAnimationActive={false}
                activeDot={false}
              />
              <Area
                dataKey="rate"
                type="linear"
                stroke="var(--accent)"
                strokeWidth={2}
                fill="var(--accent-fill)"
                fillOpacity={1}
                isAnimationActive={false}
                activeDot={false}
              />
            </AreaChart>
          </ResponsiveContainer>
        )}
      </div>
    </figure>
  )
})
