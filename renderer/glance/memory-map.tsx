// The memory map: one stacked bar in the order of the owner's map, with the limits that matter.
import { formatBytes } from '../../electron/wording/figures.ts'
import { Icon } from '../icon.tsx'
import { describeMemory, describeStrain, describeVerdict } from '../memory-words.ts'
import { useSnapshot } from '../mirror.ts'

export const MemoryMap = () => {
  const words = useSnapshot(describeMemory)
  if (words === null) return null
  const planned = words.legend.filter((entry) => entry.planned).length
  const allPlanned = planned === words.legend.length
  return (
    <section className="section" aria-label="Memory">
      <div className="section-head">
        <h2>
          Memory {words.total}
          {allPlanned && <small className="tag">as planned</small>}
        </h2>
        <StrainWords />
      </div>
      <div className="memory-bar" role="img" aria-label={words.spoken}>
        {words.segments.map(({ id, share }) => (
          <div key={id} className={`part part-${id}`} style={{ width: `${share * 100}%` }} />
        ))}
      </div>
      {words.wiredShare !== null && (
        <div className="wired-rail" aria-hidden="true">
          <div className="wired-fill" style={{ width: `${words.wiredShare * 100}%` }} />
          {words.limitShare !== null && (
            <div className="wired-limit" style={{ left: `${words.limitShare * 100}%` }} />
          )}
        </div>
      )}
      <ul className={words.legend.some(({ value }) => /[A-Z]/.test(value)) ? 'legend legend-long' : 'legend'}>
        {words.legend.map(({ id, label, value, planned: isPlanned }) => (
          <li key={id} title={`${label} ${value}, ${isPlanned ? 'planned' : 'measured'}`}>
            <i className={`swatch part-${id}`} aria-hidden="true" />
            <span>{label}</span>
            <b>{isPlanned && !allPlanned ? `≈ ${value}` : value}</b>
          </li>
        ))}
        {planned > 0 && !allPlanned && <li className="legend-key">≈ planned</li>}
      </ul>
      <Limits />
    </section>
  )
}

const StrainWords = () => {
  const strain = useSnapshot(({ memory }) => (memory === null ? null : describeStrain(memory)))
  if (strain === null) return null
  return (
    <span className={`strain strain-${strain.level}`}>
      {strain.level === 'critical' && <Icon name="failed" />}
      {strain.level === 'warn' && <Icon name="warning" />}
      {strain.words.join(', ')}
    </span>
  )
}

const Limits = () => {
  const shown = useSnapshot(({ memory, memoryMap }) => ({
    wired: memory?.wiredBytes ?? null,
    limit: memory?.gpuLimitBytes ?? null,
    verdict: memoryMap === null ? null : describeVerdict(memoryMap),
    fits: memoryMap?.verdict === 'fits',
  }))
  const { wired = null, limit = null, verdict = null, fits } = shown ?? {}
  if (wired === null && limit === null && verdict === null) return null
  return (
    <p className="limits">
      {wired !== null && (
        <span>
          <i className="swatch swatch-line" aria-hidden="true" />
          Wired <b>{formatBytes(wired)}</b>
        </span>
      )}
      {limit !== null && (
        <span>
          <i className="swatch swatch-tick" aria-hidden="true" />
          GPU limit <b>{formatBytes(limit)}</b>
        </span>
      )}
      {verdict !== null && <span className={fits ? 'verdict' : 'verdict verdict-tight'}>{verdict}</span>}
    </p>
  )
}
