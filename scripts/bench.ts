// Runs the benchmark's parts one after the other on their own stack and prints the results. Started by scripts/bench.
import { availableParallelism, cpus, loadavg, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { messageOf } from '../electron/core/base/error-message.ts'
import { benchApp } from './bench-app.ts'
import { benchCache } from './bench-cache.ts'
import { benchIdle, benchRespawn, benchStatus } from './bench-core.ts'
import { benchForge } from './bench-forge.ts'
import { type BenchReport, type Comparison, renderReport, reportAsJson } from './bench-report.ts'
import { type BenchStack, createBenchStack } from './bench-stack.ts'
import { benchThroughput } from './bench-throughput.ts'
import { benchUp } from './bench-up.ts'
import { benchWatching } from './bench-watching.ts'
import { chooseParts, readNumber, runScript, say, UsageError } from './run-script.ts'

type Measure = (stack: BenchStack, runs: number) => Promise<readonly Comparison[]>

/** In this order; `runs` where --runs does not say otherwise. */
const parts: Readonly<Record<string, { readonly measure: Measure; readonly runs: number }>> = {
  up: { measure: benchUp, runs: 3 },
  respawn: { measure: benchRespawn, runs: 3 },
  watching: { measure: benchWatching, runs: 8 },
  idle: { measure: benchIdle, runs: 1 },
  status: { measure: benchStatus, runs: 20 },
  throughput: { measure: benchThroughput, runs: 2 },
  cache: { measure: benchCache, runs: 1 },
  app: { measure: benchApp, runs: 10 },
  forge: { measure: benchForge, runs: 5 },
}

const usage = `usage: scripts/bench [--only NAME ...] [--runs N] [--json]     NAME: ${Object.keys(parts).join(' ')}`

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const runs = readNumber('--runs', values.runs)
  if (runs !== null && (runs < 1 || runs > 100))
    throw new UsageError('--runs takes a whole number from 1 to 100')
  return { chosen: chooseParts(parts, values.only), runs, json: values.json }
}

const PlanSchema = z.object({ engine: z.object({ version: z.string().nullable() }) })

/** Installs missing parts, so that no download happens during a measurement; returns llama-server's version. */
const warmUp = async (stack: BenchStack): Promise<string> => {
  await stack.up()
  const plan = PlanSchema.parse(JSON.parse((await stack.nexus('plan', '--json')).stdout))
  await stack.down()
  return plan.engine.version ?? 'of unknown version'
}

await runScript('bench', usage, async (root, signal) => {
  const { chosen, runs, json } = readOptions()
  const machine = [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${type()} ${release()}, Node ${process.version}`,
    // Before anything of ours runs: it shows how busy the machine was.
    `load average at start ${loadavg()
      .map((load) => load.toFixed(2))
      .join(' ')}`,
  ]
  const comparisons: (Comparison & { readonly part: string })[] = []
  const failures: { part: string; reason: string }[] = []
  const stack = await createBenchStack(root, signal)
  try {
    say('bench', 'first start, which installs missing parts')
    machine.push(`llama-server ${await warmUp(stack)}`)
    for (const [part, { measure, runs: usual }] of chosen) {
      say('bench', `${part} ...`)
      try {
        for (const comparison of await measure(stack, runs ?? usual))
          comparisons.push({ part, ...comparison })
      } catch (error) {
        if (signal.aborted) throw error
        failures.push({ part, reason: messageOf(error) })
        await stack.reset()
      }
    }
  } finally {
    await stack.remove()
  }
  const report: BenchReport = { machine, comparisons, failures }
  console.log(json ? reportAsJson(report) : renderReport(report).join('\n'))
  return failures.length === 0
})
