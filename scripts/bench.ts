// Runs the benchmark's parts one after the other on their own stack and prints the results. Started by scripts/bench.

import { availableParallelism, cpus, loadavg, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { messageOf } from '../electron/core/base/error-message.ts'
import { benchApp } from './bench-app.ts'
import { benchCache } from './bench-cache.ts'
import { benchForge } from './bench-forge.ts'
import { benchIdle } from './bench-idle.ts'
import { type BenchReport, type PartReport, renderReport, reportAsJson } from './bench-report.ts'
import { benchRespawn } from './bench-respawn.ts'
import { type BenchStack, createBenchStack } from './bench-stack.ts'
import { benchThroughput } from './bench-throughput.ts'
import { benchUp } from './bench-up.ts'
import { benchWatching } from './bench-watching.ts'

/** `runs` null: the part's own number. */
const parts: Readonly<Record<string, (stack: BenchStack, runs: number | null) => Promise<PartReport>>> = {
  up: (stack, runs) => benchUp(stack, runs ?? 3),
  respawn: (stack, runs) => benchRespawn(stack, runs ?? 3),
  watching: (stack, runs) => benchWatching(stack, runs ?? 8),
  idle: (stack) => benchIdle(stack),
  throughput: (stack, runs) => benchThroughput(stack, runs ?? 2),
  cache: (stack) => benchCache(stack),
  app: (stack, runs) => benchApp(stack, runs ?? 10),
  forge: (stack, runs) => benchForge(stack, runs ?? 5),
}

const usage = `usage: scripts/bench [--only NAME ...] [--runs N] [--json]     NAME: ${Object.keys(parts).join(' ')}`

class UsageError extends Error {}

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = values.only.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) throw new UsageError(`there is no part ${unknown}`)
  const runs = values.runs === undefined ? null : Number(values.runs)
  if (runs !== null && !(Number.isInteger(runs) && runs >= 1 && runs <= 100))
    throw new UsageError('--runs takes a whole number from 1 to 100')
  return { ...values, runs }
}

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`)

const PlanSchema = z.object({ engine: z.object({ version: z.string().nullable() }) })

/** The load comes first: it shows how busy the machine was before we started. */
const describeMachine = (loadAtStart: readonly number[]): readonly string[] => [
  `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${type()} ${release()}, Node ${process.version}`,
  `load average at start ${loadAtStart.map((load) => load.toFixed(2)).join(' ')}`,
]

/** Installs missing parts, so that no download happens during a measurement; returns llama-server's version. */
const warmUp = async (stack: BenchStack): Promise<string> => {
  await stack.up()
  const plan = PlanSchema.parse(JSON.parse((await stack.nexus('plan', '--json')).stdout))
  await stack.down()
  return plan.engine.version ?? 'of unknown version'
}

const runParts = async (
  root: string,
  names: readonly string[],
  runs: number | null,
  signal: AbortSignal,
): Promise<BenchReport> => {
  const machine = [...describeMachine(loadavg())]
  const reports: PartReport[] = []
  const failures: { part: string; reason: string }[] = []
  const stack = await createBenchStack(root, signal)
  try {
    say('first start, which installs missing parts')
    machine.push(`llama-server ${await warmUp(stack)}`)
    for (const name of names) {
      say(`${name} ...`)
      try {
        const report = await parts[name]?.(stack, runs)
        if (report !== undefined) reports.push(report)
      } catch (error) {
        if (signal.aborted) throw error
        failures.push({ part: name, reason: messageOf(error) })
        await stack.reset()
      }
    }
  } finally {
    await stack.dispose()
  }
  return {
    machine,
    comparisons: reports.flatMap(({ comparisons }) => comparisons),
    stages: reports.flatMap(({ stages }) => stages),
    failures,
  }
}

const main = async (): Promise<number> => {
  const root = process.env['NEXUS_ROOT']
  if (root === undefined) throw new UsageError('start it with scripts/bench')
  const options = readOptions()
  if (options.help) {
    console.log(usage)
    return 0
  }
  if (process.platform !== 'linux') throw new Error('it reads /proc, so it runs on Linux only so far')
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}; nothing of it was left running`)))
  }
  const names = options.only.length > 0 ? options.only : Object.keys(parts)
  const report = await runParts(root, names, options.runs, interrupt.signal)
  console.log(options.json ? reportAsJson(report) : renderReport(report).join('\n'))
  return report.failures.length > 0 ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
  say(messageOf(error))
  if (isUsage) console.error(usage)
  process.exitCode = isUsage ? 2 : 1
}
