import type { StormPart, StormReport } from './storm-report.ts'

export const stormHostile = async (_: StormPart): Promise<StormReport> => ({ figures: 'none', failures: [] })
