import type { StormFailure, StormPart } from './storm-report.ts'
export const stormDoors = async (_: StormPart, inputs: number) => ({
  inputs: inputs * 0,
  figures: 'none',
  failures: [] as StormFailure[],
})
