// Runs every test, stage by stage, and ends with one line of totals. Started by scripts/test.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../electron/core/base/error-message.ts'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { describeProgress, type SetupContext } from '../electron/core/setup/setup-step.ts'
import { formatVersions, readPinnedVersions, readProvedVersions } from './proved-versions.ts'
import { addCounts, noTests, type TestCounts, withExitStatus } from './test-counts.ts'
import { runCheck, runPytest, runVitest, setUp } from './test-stages.ts'

const stageNames = ['check', 'unit', 'python', 'e2e'] as const
type StageName = (typeof stageNames)[number]
const isStageName = (word: string): word is StageName => stageNames.some((name) => name === word)

const electronFlag = '--electron'

const root = process.env['NEXUS_ROOT']
if (root === undefined) throw new Error('start the tests with scripts/test')

const words = process.argv.slice(2).filter((word) => word !== electronFlag)
/** The Electron for the app's tests. */
const electron = process.argv.includes(electronFlag) ? 'pinned' : 'compatibility'
const named = words.filter(isStageName)
const vitestArgs = words.filter((word) => !isStageName(word))
// Arguments for vitest select tests, so other stages run only if named.
const stages: readonly StageName[] =
  named.length > 0 ? named : vitestArgs.length > 0 ? ['unit', 'e2e'] : stageNames

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())

const context: SetupContext = {
  runtimeDir: locateStateFolder(process.env, process.platform, homedir()).runtimeDir,
  resourcesDir: join(root, 'resources'),
  report: (progress) => process.stderr.write(`set-up: ${describeProgress(progress)}\n`),
  signal: interrupt.signal,
}

/** The stages' settings, to report what the run proved. */
const ran = { liteLlm: false, variables: {} }

const runStage = async (stage: StageName): Promise<TestCounts> => {
  switch (stage) {
    case 'check':
      return runCheck(root)
    case 'unit':
      return runVitest(root, 'unit', vitestArgs)
    case 'python':
      ran.liteLlm = true
      return runPytest(context)
    case 'e2e': {
      const variables = await setUp(root, context, electron)
      Object.assign(ran, { liteLlm: true, variables })
      return runVitest(root, 'e2e', vitestArgs, variables)
    }
  }
}

console.log(`pinned: ${formatVersions(await readPinnedVersions(root))}`)
let total = noTests
for (const stage of stageNames.filter((name) => stages.includes(name))) {
  if (interrupt.signal.aborted) break
  console.log(`\n=== ${stage} ===`)
  const counts = await runStage(stage).catch((error: unknown) => {
    console.error(`${stage}: ${messageOf(error)}`)
    return withExitStatus(null, false)
  })
  if (counts.failed > 0 && counts.failures.length === 0) {
    total = addCounts(total, { ...noTests, failures: [`${stage}: see above`] })
  }
  total = addCounts(total, counts)
}
if (vitestArgs.length > 0 && total.passed + total.failed + total.skipped === 0) {
  console.error(`no test matches ${vitestArgs.join(' ')}`)
  process.exitCode = 1
}
if (interrupt.signal.aborted) total = withExitStatus(total, false)
// Last, because a reader often sees only the end of a long run.
if (total.failures.length > 0) console.log(`\nfailed:\n  ${total.failures.join('\n  ')}`)
const proved = formatVersions(await readProvedVersions({ root, runtimeDir: context.runtimeDir }, ran))
console.log(`\nran on ${process.platform} ${process.arch}: ${proved}`)
if (total.skipped > 0) console.log(`\n${total.skipped} skipped`)
console.log(`${total.passed} passed, ${total.failed} failed`)
if (total.failed > 0) process.exitCode = 1
