// Waiting until a started process is ready: it says so itself, for as long as it lives.
import { setTimeout as pause } from 'node:timers/promises'
import { firstOf } from '../base/first-of.ts'
import type { ChildService, ProbeResult, ProcessExit } from './child-service.ts'

/** How often to probe while starting: often enough to add no start-up time. */
const startProbeMs = 50
const probeTimeoutMs = 5_000

/**
 * @param woken settles with null when an order came
 * @param onLoading what it reports while it loads
 * @returns `ready`, how it ended instead, or null when woken
 */
export const awaitReady = async (
  service: Pick<ChildService, 'probe'>,
  exited: Promise<ProcessExit>,
  woken: Promise<null>,
  onLoading: (detail: string) => void,
): Promise<'ready' | ProcessExit | null> => {
  for (;;) {
    const probe = service.probe(AbortSignal.timeout(probeTimeoutMs))
    const probed = await firstOf<ProbeResult | ProcessExit | null>([probe, exited, woken])
    if (probed === null || !('state' in probed)) return probed
    if (probed.state === 'ready') return 'ready'
    // Before its port is open it can't report anything, so `unreachable` is no news.
    if (probed.state === 'loading') onLoading(probed.detail)
    const waited = await firstOf<'over' | ProcessExit | null>([pause(startProbeMs, 'over'), exited, woken])
    if (waited !== 'over') return waited
  }
}
