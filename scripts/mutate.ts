// Runs the mutants of each target against its own tests and prints what survived. Started by scripts/mutate.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { z } from 'zod'
import { type Equivalent, equivalents } from './mutate-equivalents.ts'

interface Target {
  readonly files: readonly string[]
  /** The only tests that may kill their mutants. */
  readonly tests: readonly string[]
}

/** Files of one folder with tests beside them. */
const target = (folder: string, names: readonly string[], tests: readonly string[] = names): Target => ({
  files: names.map((name) => `${folder}/${name}.ts`),
  tests: tests.map((name) => `${folder}/${name}.test.ts`),
})

const targets: Readonly<Record<string, Target>> = {
  throughput: target('electron/core/engine', ['llama-throughput']),
  rotation: target('electron/core/logs', ['log-rotation']),
  admission: { files: ['resources/opta_admission.py'], tests: ['resources/tests/test_opta_admission.py'] },
  supervisor: target(
    'electron/core/supervise',
    ['supervisor', 'steps', 'launch', 'await-ready', 'ending', 'health', 'next-step'],
    ['next-step', 'await-ready', 'launch', 'supervisor'],
  ),
  restarts: target('electron/core/supervise', ['restart-policy']),
  stack: target('electron/core/stack', ['stack']),
  prover: target('electron/core/stack', ['prover']),
}

const leastKilled = 0.95

/** One change of a file, and whether a test failed because of it. */
interface Mutant extends Omit<Equivalent, 'reason'> {
  /** 1-based. */
  readonly line: number
  readonly isKilled: boolean
}

const root = join(import.meta.dirname, '..')
const outDir = join(root, 'out', 'mutate')

/** A fragment on one line, short enough to read and to name in the list of equivalents. */
const shorten = (fragment: string): string => {
  const text = fragment.replace(/\s+/g, ' ')
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

/** The part that we read of mutation-testing-elements' report, in which lines and columns count from 1. */
const PlaceSchema = z.object({ line: z.number(), column: z.number() })
const ReportSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      mutants: z.array(
        z.object({
          replacement: z.string(),
          location: z.object({ start: PlaceSchema, end: PlaceSchema }),
          status: z.enum(['Killed', 'Timeout', 'Survived', 'NoCoverage', 'RuntimeError', 'CompileError']),
        }),
      ),
    }),
  ),
})

const runStryker = async ({ files, tests }: Target): Promise<readonly Mutant[]> => {
  // A plain object: this file lies outside Stryker's copy of the project. A mutant may wait for ever: each test has 10 s.
  const vitestConfig = join(outDir, 'vitest.config.mjs')
  writeFileSync(
    vitestConfig,
    `export default { test: ${JSON.stringify({ include: tests, testTimeout: 10_000, hookTimeout: 10_000 })} }\n`,
  )
  const reportPath = join(outDir, 'report.json')
  const configPath = join(outDir, 'stryker.json')
  writeFileSync(
    configPath,
    JSON.stringify({
      mutate: files,
      testRunner: 'vitest',
      vitest: { configFile: vitestConfig, related: false },
      concurrency: 1,
      reporters: ['json', 'progress-append-only'],
      jsonReporter: { fileName: reportPath },
      tempDirName: join(outDir, 'copy'),
      ignorePatterns: ['**', '!electron/**', '!package.json'],
      // TypeScript 7 lacks the API with which Stryker would read ours.
      tsconfigFile: 'no-tsconfig.json',
      disableTypeChecks: false,
      allowConsoleColors: false,
      timeoutMS: 10_000,
    }),
  )
  const stryker = join(root, 'out/stryker/node_modules/@stryker-mutator/core/bin/stryker.js')
  const { failed } = await execa(process.execPath, [stryker, 'run', configPath], {
    cwd: root,
    stdin: 'ignore',
    stdout: process.stderr,
    stderr: 'inherit',
    reject: false,
    env: { TMPDIR: join(outDir, 'tmp') },
  })
  if (failed)
    throw new Error(`Stryker failed on ${files.join(', ')}, see above; do their tests pass without a mutant?`)
  const report = ReportSchema.parse(JSON.parse(readFileSync(reportPath, 'utf8')))
  return Object.entries(report.files).flatMap(([file, { mutants }]) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    return mutants
      .filter(({ status }) => status !== 'CompileError' && status !== 'RuntimeError')
      .map(({ replacement, location: { start, end }, status }) => {
        const covered = lines.slice(start.line - 1, end.line)
        const last = covered.length - 1
        covered[last] = covered[last]?.slice(0, end.column - 1) ?? ''
        covered[0] = covered[0]?.slice(start.column - 1) ?? ''
        return {
          file,
          line: start.line,
          code: lines[start.line - 1]?.trim() ?? '',
          from: shorten(covered.join('\n')),
          to: shorten(replacement),
          isKilled: status === 'Killed' || status === 'Timeout',
        }
      })
  })
}

const PythonReportSchema = z.array(
  z.object({
    line: z.number(),
    code: z.string(),
    from: z.string(),
    to: z.string(),
    isKilled: z.boolean(),
  }),
)

const runPython = async ({ files, tests }: Target): Promise<readonly Mutant[]> => {
  const runtime = process.env['NEXUS_RUNTIME'] ?? ''
  const python = join(runtime, 'litellm/bin/python')
  const mutants: Mutant[] = []
  for (const file of files) {
    const { failed, stdout } = await execa(python, [join(root, 'scripts/mutate.py'), file, ...tests], {
      cwd: root,
      stdin: 'ignore',
      stderr: 'inherit',
      reject: false,
      env: { PYTHONPATH: join(runtime, 'pytest'), PYTHONDONTWRITEBYTECODE: '1' },
    })
    if (failed)
      throw new Error(
        `${python} could not run the mutants of ${file}; \`scripts/test python\` installs what it needs`,
      )
    for (const mutant of PythonReportSchema.parse(JSON.parse(stdout)))
      mutants.push({ ...mutant, file, from: shorten(mutant.from), to: shorten(mutant.to) })
  }
  return mutants
}

const isSame = (a: Omit<Equivalent, 'reason'>, b: Omit<Equivalent, 'reason'>): boolean =>
  a.file === b.file && a.code === b.code && a.from === b.from && a.to === b.to

/** Prints a target's result; false: too few were killed, or the list of equivalents is out of date. */
const report = (name: string, { files }: Target, mutants: readonly Mutant[]): boolean => {
  const known = equivalents.filter(({ file }) => files.includes(file))
  const counted = mutants.filter((mutant) => !known.some((one) => isSame(one, mutant)))
  const survivors = counted.filter(({ isKilled }) => !isKilled)
  const killed = counted.length - survivors.length
  const score = killed / counted.length
  const besides = mutants.length - counted.length
  const figures = `${killed}/${counted.length} = ${(score * 100).toFixed(1)} %`
  console.log(`${name}: ${figures}${besides === 0 ? '' : `, besides ${besides} equivalent`}`)
  for (const { file, line, code, from, to } of survivors)
    console.log(`  ${file}:${line}  ${code}\n    ${from}  ->  ${to}`)
  const wrong = known.filter((one) => !mutants.some((mutant) => isSame(one, mutant) && !mutant.isKilled))
  for (const { file, code, from, to } of wrong)
    console.log(`  ${file}: named equivalent, but killed or gone: ${code}\n    ${from}  ->  ${to}`)
  return score >= leastKilled && wrong.length === 0
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(targets)
const unknown = wanted.filter((name) => !Object.hasOwn(targets, name))
if (unknown.length > 0) {
  console.error(`no such target: ${unknown.join(', ')}; there are ${Object.keys(targets).join(', ')}`)
  process.exit(2)
}
for (const name of wanted) {
  const wantedTarget = targets[name]
  if (wantedTarget === undefined) continue
  // Children that mutants of the supervisor left, in this run or one that was interrupted, end when it is gone (odd-child.mjs).
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(join(outDir, 'tmp'), { recursive: true })
  const isPython = wantedTarget.files.some((file) => file.endsWith('.py'))
  const mutants = await (isPython ? runPython : runStryker)(wantedTarget)
  if (!report(name, wantedTarget, mutants)) process.exitCode = 1
}
rmSync(outDir, { recursive: true, force: true })
