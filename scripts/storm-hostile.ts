// Hostile inputs: the parsers in a watched test run, the Router's modules in theirs, then the interfaces of a core.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { stormDoors } from './storm-doors.ts'
import type { StormPart } from './storm-part.ts'
import { runPytest, runVitest } from './test-stages.ts'

/** A quarter of the inputs goes to the core's interfaces, in groups. */
const parserShare = 0.75
/** Share of the inputs for each of the Router's roughly ten properties. */
const routerShare = 0.025
/** The approximate number of targets, which determines the inputs for each. */
const targetCount = 60
/** For one input; no target waits longer than 5 s. */
const hangMs = 15_000

export const stormHostile = async (part: StormPart): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-storm-'))
  try {
    const parsers = await runParsers(part, folder)
    const router = await runRouterModules(part, folder)
    const doors = await stormDoors(part, Math.ceil(part.size.inputs * (1 - parserShare)))
    return (
      `${parsers.inputs + doors.inputs} inputs: ${parsers.figures}, ${router}, ` +
      `${doors.inputs} through the doors of a core: ${doors.figures}`
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const runParsers = async (
  { root, seed, size, signal, only, fail }: StormPart,
  folder: string,
): Promise<{ readonly inputs: number; readonly figures: string }> => {
  const inputsEach = Math.max(5, Math.ceil((size.inputs * parserShare) / targetCount))
  const current = join(folder, 'current')
  writeFileSync(current, '')
  const hung = new AbortController()
  let seen = ''
  const watch = setInterval(() => {
    const now = readFileSync(current, 'utf8')
    if (now !== '' && now === seen) hung.abort()
    seen = now
  }, hangMs)
  const variables = {
    STORM_SEED: String(seed),
    STORM_INPUTS: String(inputsEach),
    STORM_CURRENT: current,
    // A run that hangs and is ended leaves its own folder.
    TMPDIR: folder,
  }
  // A regular expression that matches this name alone.
  const pattern = `^${(only ?? '').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`
  const counts = await runVitest(
    root,
    'unit',
    ['scripts/hostile-inputs.test.ts', ...(only === null ? [] : ['--testNamePattern', pattern])],
    variables,
    AbortSignal.any([signal, hung.signal]),
  ).finally(() => clearInterval(watch))
  const [hungAt = '', ...hungOn] = seen.split('\n')
  const hangs = `one input took over ${hangMs / 1000} s: ${JSON.stringify(hungOn.join('\n')).slice(0, 1_000)}`
  // FILE: TARGET: REASON
  const found = counts.failures.map((failure) => failure.split(': ').slice(1))
  for (const [name = '', ...reason] of hung.signal.aborted ? [[hungAt, hangs]] : found)
    fail(name, name, reason.join(': '))
  const targets = counts.passed + found.length
  const inputs = inputsEach * targets
  return { inputs, figures: `${inputs} to ${targets} parsers and readers` }
}

/** As `--case` names it. */
const routerTarget = "the Router's modules"

/** Runs hypothesis, which prints how to repeat a failure. */
const runRouterModules = async (
  { root, seed, size, signal, only, fail }: StormPart,
  folder: string,
): Promise<string> => {
  if (only !== null && only !== routerTarget) return 'none to the Router'
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
  for (const reason of failures) fail(routerTarget, routerTarget, reason)
  return `${examples} to each property of ${routerTarget} (${passed} tests passed)`
}
