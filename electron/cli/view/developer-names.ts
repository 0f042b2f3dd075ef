// Counts requests by developer, in words.
import type { RouterRequest } from '../../contract/snapshot.ts'

/** One entry for each developer, in the order of their first request: "anna 2", or "ben" when it is one. */
export const countByDeveloper = (requests: readonly RouterRequest[]): readonly string[] => {
  const counts = new Map<string, number>()
  for (const { developer } of requests) counts.set(developer, (counts.get(developer) ?? 0) + 1)
  return [...counts].map(([developer, count]) => (count === 1 ? developer : `${developer} ${count}`))
}
