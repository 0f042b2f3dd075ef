// Hostile inputs: the parsers in a watched worker, the Router's modules in their own process, then the interfaces of a core.
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../electron/core/base/error-message.ts'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { stormDoors } from './storm-doors.ts'
import type { StormFailure, StormPart, StormReport } from './storm-report.ts'
import { counterBytes, type WorkerNews, type WorkerOrder } from './storm-worker.ts'
import { runPytest } from './test-stages.ts'

/** A quarter of the inputs goes to the core's interfaces, in groups. */
const parserShare = 0.75
/** Share of the inputs for each of the Router's roughly ten properties. */
const routerShare = 0.025
/** The approximate number of targets, which determines the inputs for each. */
const targetCount = 60
/** For one input; no target waits longer than 5 s. */
const hangMs = 15_000

export const stormHostile = async (part: StormPart): Promise<StormReport> => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-storm-'))
  try {
    const parsers = await runWorker(part, folder)
    const router = await runRouterModules(part, folder)
    const doors = await stormDoors(part, Math.ceil(part.size.inputs * (1 - parserShare)))
    return {
      figures:
        `${parsers.inputs + doors.inputs} inputs: ${parsers.inputs} to ${parsers.targets} parsers and readers ` +
        `(slowest ${Math.round(parsers.slowestMs)} ms), ${router.figures}, ${doors.inputs} through the doors of a core: ${doors.figures}`,
      failures: [...parsers.failures, ...router.failures, ...doors.failures],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** As `--case` names it. */
const routerTarget = "the Router's modules"

/** Runs hypothesis, which prints how to repeat a failure. */
const runRouterModules = async (
  { root, seed, size, signal, only }: StormPart,
  folder: string,
): Promise<StormReport> => {
  if (only !== null && only !== routerTarget) return { figures: 'none to the Router', failures: [] }
  const examples = Math.max(20, Math.ceil(size.inputs * routerShare))
  const context = {
    runtimeDir: locateStateFolder(process.env, process.platform, homedir()).runtimeDir,
    resourcesDir: join(root, 'resources'),
    report: () => {},
    signal,
  }
  const args = [
    '-q',
    `--hypothesis-seed=${seed}`,
    // Without a folder of ours pytest leaves its own (pytest-of-USER).
    `--basetemp=${join(folder, 'pytest')}`,
    join(context.resourcesDir, 'tests/test_opta_hostile.py'),
  ]
  const { passed, failures } = await runPytest(context, args, { OPTA_EXAMPLES: String(examples) })
  return {
    figures: `${examples} to each property of ${routerTarget} (${passed} tests passed)`,
    failures: failures.map((reason) => ({ case: routerTarget, what: routerTarget, reasons: [reason] })),
  }
}

interface ParserTally {
  inputs: number
  targets: number
  slowestMs: number
  readonly failures: StormFailure[]
}

const runWorker = async ({ seed, size, signal, only }: StormPart, folder: string): Promise<ParserTally> => {
  const tally: ParserTally = { inputs: 0, targets: 0, slowestMs: 0, failures: [] }
  const current = new SharedArrayBuffer(262_144)
  const inputsEach = Math.max(5, Math.ceil((size.inputs * parserShare) / targetCount))
  const order: WorkerOrder = { seed, inputsEach, only, folder, current }
  const worker = new Worker(process.argv[1] ?? '', { workerData: order })
  const end = () => void worker.terminate()
  signal.addEventListener('abort', end, { once: true })
  let name = 'the start'
  const fail = (reason: string) => tally.failures.push({ case: name, what: name, reasons: [reason] })
  const counter = new Int32Array(current, 0, 1)
  let seen = -1
  const watch = setInterval(() => {
    const now = Atomics.load(counter, 0)
    if (now === seen) {
      const input = Buffer.from(new Uint8Array(current, counterBytes)).toString().replaceAll('\0', '')
      fail(`one input took over ${hangMs / 1000} s: ${JSON.stringify(input).slice(0, 1_000)}`)
      end()
    }
    seen = now
  }, hangMs)
  worker.on('message', (news: WorkerNews) => {
    name = news.name
    if (news.kind === 'target') return
    tally.targets += 1
    tally.inputs += news.inputs
    tally.slowestMs = Math.max(tally.slowestMs, news.slowestMs)
    if (news.fault !== null) fail(news.fault)
  })
  worker.on('error', (error) => fail(`it crashed: ${messageOf(error)}`))
  await new Promise((resolve) => worker.once('exit', resolve))
  clearInterval(watch)
  signal.removeEventListener('abort', end)
  return tally
}
