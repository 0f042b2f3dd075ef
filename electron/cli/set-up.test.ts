// The progress of set-up on a terminal: one line, however narrow, and later output on the next.
import { expect, it } from 'vitest'
import type { SetupProgress } from '../core/setup/setup-step.ts'
import { withReporter } from './set-up.ts'

const download: SetupProgress = {
  step: 'demo-model',
  message: 'downloading the demo model',
  done: 120,
  total: 250,
}

const draw = async (columns: number, fails: boolean): Promise<string> => {
  const written: string[] = []
  const stream = { isTTY: true, columns, write: (text: string) => written.push(text) }
  const context = { printError: (line: string) => void written.push(`${line}\n`) }
  const work = withReporter(
    context,
    async (report) => {
      report(download)
      if (fails) throw new Error('no network')
      report({ message: 'done' })
    },
    stream,
  )
  await work.catch((error: Error) => context.printError(error.message))
  return written.join('')
}

it("cuts the line to the width, because a wrapped line can't be redrawn", async () => {
  expect(await draw(20, false)).toBe('\r\u001b[Kdownloading the dem…\ndone\n')
  expect(await draw(80, false)).toBe('\r\u001b[Kdownloading the demo model (120 of 250)\ndone\n')
})

it('prints an error on its own line', async () => {
  expect(await draw(80, true)).toBe('\r\u001b[Kdownloading the demo model (120 of 250)\nno network\n')
})
