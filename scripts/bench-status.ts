// How long `nexus status --json` takes, from a shell's point of view, beside the bare start of the Node that runs it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Comparison, measureInTurn } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import type { CommandEnd } from './own-stack.ts'

export const benchStatus = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  const emptyScript = join(stack.home, 'empty.mjs')
  writeFileSync(emptyScript, '')
  const timed = (run: () => Promise<CommandEnd>) => async () => {
    const { startedAt, endedAt } = await run()
    return endedAt - startedAt
  }
  const askStatus = timed(() => stack.nexus('status', '--json'))
  // scripts/bench and scripts/nexus choose their Node alike, so this is the one that runs the command.
  const startNode = timed(() => stack.run(process.execPath, emptyScript))
  await stack.up()
  await stack.until()
  // Not measured: the first run reads the programs from the disk and fills Node's compile cache.
  await askStatus()
  await startNode()
  const samples = await measureInTurn(runs, askStatus, startNode)
  await stack.down()
  const what = 'nexus status --json, the whole command'
  return [{ what, unit: 'ms', samples, against: 'bare start of Node', goal: null }]
}
