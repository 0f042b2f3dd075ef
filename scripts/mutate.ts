// Runs the mutants of each target against its own tests and prints what survived. Started by scripts/mutate.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { z } from 'zod'
import { type Equivalent, equivalents } from './mutate-equivalents.ts'

interface Target {
  readonly file: string
  /** The only tests that may kill its mutants. */
  readonly tests: readonly string[]
}

const targets: Readonly<Record<string, Target>> = {
  throughput: {
    file: 'electron/core/engine/llama-throughput.ts',
    tests: ['electron/core/engine/llama-throughput.test.ts'],
  },
  rotation: {
    file: 'electron/core/logs/log-rotation.ts',
    tests: ['electron/core/logs/log-rotation.test.ts'],
  },
  admission: {
    file: 'resources/opta_admission.py',
    tests: ['resources/tests/test_opta_admission.py'],
  },
  supervisor: {
    file: 'electron/core/supervise/supervisor.ts',
    tests: ['electron/core/supervise/supervisor.test.ts'],
  },
  stack: { file: 'electron/core/stack/stack.ts', tests: ['electron/core/stack/stack.test.ts'] },
  prover: { file: 'electron/core/stack/prover.ts', tests: ['electron/core/stack/prover.test.ts'] },
}

const leastKilled = 0.95

/** One change of a file, and whether a test failed because of it. */
interface Mutant extends Pick<Equivalent, 'code' | 'from' | 'to'> {
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

// --- TypeScript: Stryker ---------------------------------------------------------------------------------------------

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

const runStryker = async ({ file, tests }: Target): Promise<readonly Mutant[]> => {
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
      mutate: [file],
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
  if (failed) throw new Error(`Stryker failed on ${file}, see above; do its tests pass without a mutant?`)
  const report = ReportSchema.parse(JSON.parse(readFileSync(reportPath, 'utf8')))
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  const found = report.files[file]
  if (found === undefined) throw new Error(`Stryker's report ${reportPath} has no mutants of ${file}`)
  return found.mutants
    .filter(({ status }) => status !== 'CompileError' && status !== 'RuntimeError')
    .map(({ replacement, location: { start, end }, status }) => {
      const covered = lines.slice(start.line - 1, end.line)
      const last = covered.length - 1
      covered[last] = covered[last]?.slice(0, end.column - 1) ?? ''
      covered[0] = covered[0]?.slice(start.column - 1) ?? ''
      return {
        line: start.line,
        code: lines[start.line - 1]?.trim() ?? '',
        from: shorten(covered.join('\n')),
        to: shorten(replacement),
        isKilled: status === 'Killed' || status === 'Timeout',
      }
    })
}

// --- Python: mutate.py ----------------------------------------------------------------------------------------------

const PythonReportSchema = z.array(
  z.object({
    line: z.number(),
    code: z.string(),
    from: z.string(),
    to: z.string(),
    isKilled: z.boolean(),
  }),
)

const runPython = async ({ file, tests }: Target): Promise<readonly Mutant[]> => {
  const runtime = process.env['NEXUS_RUNTIME'] ?? ''
  const python = join(runtime, 'litellm/bin/python')
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
  return PythonReportSchema.parse(JSON.parse(stdout)).map((mutant) => ({
    ...mutant,
    from: shorten(mutant.from),
    to: shorten(mutant.to),
  }))
}

// --- Results --------------------------------------------------------------------------------------------------------

/** Prints a target's result; false: too few were killed, or the list of equivalents is out of date. */
const report = (name: string, { file }: Target, mutants: readonly Mutant[]): boolean => {
  const isSame = (mutant: Mutant) => (known: Equivalent) =>
    known.file === file && known.code === mutant.code && known.from === mutant.from && known.to === mutant.to
  const named = equivalents.filter((known) => known.file === file)
  const counted = mutants.filter((mutant) => !named.some(isSame(mutant)))
  const survivors = counted.filter(({ isKilled }) => !isKilled)
  const killed = counted.length - survivors.length
  const score = killed / counted.length
  const besides = mutants.length - counted.length
  const figures = `${killed}/${counted.length} = ${(score * 100).toFixed(1)} %`
  console.log(`${name}: ${figures}${besides === 0 ? '' : `, besides ${besides} equivalent`}`)
  for (const { line, code, from, to } of survivors)
    console.log(`  ${file}:${line}  ${code}\n    ${from}  ->  ${to}`)
  const wrong = named.filter((known) => !mutants.some((mutant) => isSame(mutant)(known) && !mutant.isKilled))
  for (const { code, from, to } of wrong)
    console.log(`  named equivalent, but killed or gone: ${code}\n    ${from}  ->  ${to}`)
  return score >= leastKilled && wrong.length === 0
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(targets)
const unknown = wanted.filter((name) => !Object.hasOwn(targets, name))
if (unknown.length > 0) {
  console.error(`no such target: ${unknown.join(', ')}; there are ${Object.keys(targets).join(', ')}`)
  process.exit(2)
}
for (const name of wanted) {
  const target = targets[name]
  if (target === undefined) continue
  mkdirSync(join(outDir, 'tmp'), { recursive: true })
  const mutants = await (target.file.endsWith('.py') ? runPython(target) : runStryker(target)).finally(() =>
    // Children that a mutant of the supervisor left end when their folder is gone (odd-child.mjs).
    rmSync(join(outDir, 'tmp'), { recursive: true, force: true }),
  )
  if (!report(name, target, mutants)) process.exitCode = 1
}
