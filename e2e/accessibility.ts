// Test support: axe-core's findings in a page.

import axe from 'axe-core'
import type { Page } from 'playwright'
import * as z from 'zod'

const ResultSchema = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
    }),
  ),
})

/** One line per finding; empty: none. Evaluated through the debugger, so the page's policy stays unchanged. */
export const findViolations = async (page: Page): Promise<readonly string[]> => {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe.source)
  const result = ResultSchema.parse(await page.evaluate('axe.run(document, { resultTypes: ["violations"] })'))
  return result.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, failureSummary = '' }) =>
        `${id}: ${html.slice(0, 160)} ${failureSummary.replace(/\s+/g, ' ')}`,
    ),
  )
}
