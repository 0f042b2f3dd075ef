// A thin bar for a share; an unknown share is an empty bar.
import type { Slot } from '../../electron/contract/snapshot.ts'

interface MeterProps {
  /** 0 to 1; null: not known. */
  readonly share: number | null
  readonly kind: Slot['phase'] | 'taken' | 'forge' | 'forge-full'
}

/** Decoration beside the number that it shows. */
export const Meter = ({ share, kind }: MeterProps) => (
  <div className={`meter meter-${kind}`} aria-hidden="true">
    {share !== null && <div className="meter-fill" style={{ width: `${share * 100}%` }} />}
  </div>
)
