// When the guided page is drawn. Pure.
import type { Snapshot } from '../electron/contract.ts'
import { needsSetUp } from './judgement.ts'

const isToDo = ({ missing, running }: NonNullable<Snapshot['setUp']>): boolean =>
  missing.length > 0 || running !== null

/** With nothing missing and nothing being installed, its list would be empty: the plan says more. */
export const hasSetUpToDo = (snapshot: Snapshot): boolean =>
  snapshot.setUp !== null && needsSetUp(snapshot) && isToDo(snapshot.setUp)

/** Everything is installed, and the start that was to follow was refused: `setUp.failure` says why. */
export const wasStartRefused = ({ setUp, overall }: Snapshot): boolean =>
  setUp !== null &&
  setUp.failure !== null &&
  !isToDo(setUp) &&
  (overall === 'stopped' || overall === 'failed')
