// The rate over the last minutes; times when requests waited are shaded.
import { memo } from 'react'
import { Area, AreaChart, ResponsiveContainer, XAxis, YAxis } from 'recharts'
import { buildSeries, describeSeries } from '../chart-series.ts'
import { useMirror } from '../mirror.ts'

export const ThroughputChart = memo(() => {
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
