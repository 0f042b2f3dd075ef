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
const shownBytes = 262_144

export const stormHostile = async (part: StormPart): Promise<StormReport> => {
  const parsers = await runWorker(part)
  const router = await runRouterModules(part)
  const doors = await stormDoors(part, Math.ceil(part.size.hostile.inputs * (1 - parserShare)))
  return {
    figures:
      `${parsers.inputs + doors.inputs} inputs: ${parsers.inputs} to ${parsers.targets} parsers and readers ` +
      `(slowest ${Math.round(parsers.slowestMs)} ms), ${router.figures}, ${doors.inputs} through the doors of a core: ${doors.figures}`,
    failures: [...parsers.failures, ...router.failures, ...doors.failures],
  }
}

/** As `--case` names it. */
const routerTarget = "the Router's modules"

/** Runs hypothesis, which prints how to repeat a failure. */
const runRouterModules = async ({
  root,
  seed,
  size,
  signal,
  onlyTarget,
}: StormPart): Promise<StormReport> => {
  if (onlyTarget !== null && onlyTarget !== routerTarget)
    return { figures: 'none to the Router', failures: [] }
  const examples = Math.max(20, Math.ceil(size.hostile.inputs * routerShare))
  const context = {
    runtimeDir: locateStateFolder(process.env, process.platform, homedir()).runtimeDir,
    resourcesDir: join(root, 'resources'),
    report: () => {},
    signal,
  }
  // Without a folder of ours pytest leaves its own (pytest-of-USER).
  const folder = mkdtempSync(join(tmpdir(), 'nexus-storm-'))
  const { passed, failures } = await runPytest(
    context,
    [
      '-q',
      `--hypothesis-seed=${seed}`,
      `--basetemp=${join(folder, 'pytest')}`,
      join(context.resourcesDir, 'tests/test_opta_hostile.py'),
    ],
    { OPTA_EXAMPLES: String(examples) },
  ).finally(() => rmSync(folder, { recursive: true, force: true }))
  return {
    figures: `${examples} to each property of ${routerTarget} (${passed} tests passed)`,
    failures: failures.map((reason) => ({
      case: `hostile:${routerTarget}`,
      what: routerTarget,
      reasons: [reason],
    })),
  }
}

interface ParserTally {
  inputs: number
  targets: number
  slowestMs: number
  readonly failures: StormFailure[]
}

const runWorker = async ({ seed, size, signal, onlyTarget }: StormPart): Promise<ParserTally> => {
  const tally: ParserTally = { inputs: 0, targets: 0, slowestMs: 0, failures: [] }
  const folder = mkdtempSync(join(tmpdir(), 'nexus-storm-'))
  const current = new SharedArrayBuffer(shownBytes)
  const order: WorkerOrder = {
    seed,
    inputsEach: Math.max(5, Math.ceil((size.hostile.inputs * parserShare) / targetCount)),
    onlyTarget,
    folder,
    current,
  }
  const worker = new Worker(process.argv[1] ?? '', { workerData: order })
  const end = () => void worker.terminate()
  signal.addEventListener('abort', end, { once: true })
  let name = 'the start'
  const fail = (reasons: readonly string[]) =>
    tally.failures.push({ case: `hostile:${name}`, what: name, reasons })
  const counter = new Int32Array(current, 0, 1)
  let seen = -1
  const watch = setInterval(() => {
    const now = Atomics.load(counter, 0)
    if (now === seen) {
      const input = new TextDecoder().decode(
        new Uint8Array(current, counterBytes).slice().filter((byte) => byte !== 0),
      )
      fail([`one input took over ${hangMs / 1000} s: ${JSON.stringify(input).slice(0, 1_000)}`])
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
    if (news.fault !== null) fail([news.fault])
  })
  worker.on('error', (error) => fail([`it crashed: ${messageOf(error)}`]))
  await new Promise((resolve) => worker.once('exit', resolve))
  clearInterval(watch)
  signal.removeEventListener('abort', end)
  rmSync(folder, { recursive: true, force: true })
  return tally
}
