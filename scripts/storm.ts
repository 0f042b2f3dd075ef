// Runs the parts of the storm one after the other and prints their findings. Started by scripts/storm.
import { parseArgs } from 'node:util'
import { isMainThread, workerData } from 'node:worker_threads'
import { messageOf } from '../electron/core/base/error-message.ts'
import { stormEndurance } from './storm-endurance.ts'
import { stormHostile } from './storm-hostile.ts'
import { stormKills } from './storm-kills.ts'
import type { StormPart, StormReport, StormSize } from './storm-report.ts'
import { runTargets } from './storm-worker.ts'

const parts: Readonly<Record<string, (part: StormPart) => Promise<StormReport>>> = {
  kills: stormKills,
  hostile: stormHostile,
  endurance: stormEndurance,
}

const short: StormSize = {
  kills: { mostKills: 40, lanes: 2, budgetMs: 35_000 },
  hostile: { inputs: 3_000, budgetMs: 25_000, floodMs: 5_000 },
  endurance: { seconds: 15, clients: 6, bodies: 60 },
}
const long: StormSize = {
  kills: { mostKills: 1_000, lanes: 3, budgetMs: 3 * 3_600_000 },
  hostile: { inputs: 40_000, budgetMs: 3_600_000, floodMs: 35_000 },
  endurance: { seconds: 900, clients: 6, bodies: 3_000 },
}

const usage = `usage: scripts/storm [--long] [--seed N] [--only PART ...] [--case NAME] [--kills N] [--inputs N] [--seconds N]     PART: ${Object.keys(parts).join(' ')}`

class UsageError extends Error {}

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      long: { type: 'boolean', default: false },
      seed: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      case: { type: 'string' },
      kills: { type: 'string' },
      inputs: { type: 'string' },
      seconds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = values.only.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) throw new UsageError(`there is no part ${unknown}`)
  return { ...values, seed: readNumber('--seed', values.seed) ?? Math.floor(Math.random() * 1_000_000) }
}

const readNumber = (name: string, text: string | undefined): number | null => {
  if (text === undefined) return null
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`${name} takes a whole number, not ${JSON.stringify(text)}`)
  return Number(text)
}

type Options = ReturnType<typeof readOptions>

/** --kills, --inputs and --seconds cut a long run into pieces. */
const sizeOf = ({ long: isLong, kills, inputs, seconds }: Options): StormSize => {
  const size = isLong ? long : short
  return {
    kills: { ...size.kills, mostKills: readNumber('--kills', kills) ?? size.kills.mostKills },
    hostile: { ...size.hostile, inputs: readNumber('--inputs', inputs) ?? size.hostile.inputs },
    endurance: {
      ...size.endurance,
      seconds: readNumber('--seconds', seconds) ?? size.endurance.seconds,
      bodies: readNumber('--inputs', inputs) ?? size.endurance.bodies,
    },
  }
}

/** `kills:12` is one round, `hostile:TARGET` one target. */
const readCase = (text: string | undefined) => {
  if (text === undefined) return { part: null, index: null, target: null }
  const [part = '', rest = ''] = text.split(/:(.*)/s)
  if (!Object.hasOwn(parts, part))
    throw new UsageError(`--case begins with one of ${Object.keys(parts).join(', ')}`)
  return {
    part,
    index: part === 'kills' ? readNumber('--case', rest) : null,
    target: part === 'hostile' ? rest : null,
  }
}

const say = (text: string): void => void process.stderr.write(`storm: ${text}\n`)

const main = async (): Promise<number> => {
  const root = process.env['NEXUS_ROOT']
  if (root === undefined) throw new UsageError('start it with scripts/storm')
  const options = readOptions()
  if (options.help) {
    console.log(usage)
    return 0
  }
  if (process.platform !== 'linux') throw new Error('it reads /proc, so it runs on Linux only so far')
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort())
  const only = readCase(options.case)
  const names =
    only.part === null ? (options.only.length > 0 ? options.only : Object.keys(parts)) : [only.part]
  let failed = false
  say(`seed ${options.seed}`)
  for (const name of names) {
    if (interrupt.signal.aborted) break
    const began = performance.now()
    const report = await parts[name]?.({
      root,
      seed: options.seed,
      size: sizeOf(options),
      signal: interrupt.signal,
      onlyCase: only.index,
      onlyTarget: only.target,
    })
    if (report === undefined) continue
    for (const { case: which, what, reasons } of report.failures) {
      failed = true
      console.log(`${name}: FAILED ${what}\n${reasons.map((reason) => `  ${reason}`).join('\n')}`)
      console.log(
        `  again: scripts/storm${options.long ? ' --long' : ''} --seed ${options.seed} --case '${which}'`,
      )
    }
    const seconds = Math.round((performance.now() - began) / 1000)
    console.log(
      `${name}: ${report.figures}; ${report.failures.length} failed; seed ${options.seed}, ${seconds} s`,
    )
  }
  if (interrupt.signal.aborted) say('interrupted; nothing of it was left running')
  return failed || interrupt.signal.aborted ? 1 : 0
}

const runMain = async (): Promise<void> => {
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
}

// The worker that tests the parsers is this same bundle.
await (isMainThread ? runMain() : runTargets(workerData))
