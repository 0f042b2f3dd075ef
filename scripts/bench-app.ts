// The cost of the app: time until its window shows numbers, scripting per snapshot, idling with the window closed, size.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { setUpAppTests } from './app-test-setup.ts'
import { appVariants } from './app-variants.ts'
import { type BenchApp, openBenchApp } from './bench-app-window.ts'
import { readCpuSeconds } from './bench-processes.ts'
import type { BenchUnit, PartReport, Sample } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { undisturbed } from './bench-undisturbed.ts'
import { buildRenderer } from './renderer-build.ts'

const limits = { openingMs: 100, scriptingMs: 5, idleCpuPercent: 0.5, windowKb: 350 } as const
const readyTimeoutMs = 120_000
const settleMs = 5_000
const idleSeconds = 60
const busyMs = 20_000

/** Uses the old Electron that can be installed everywhere and the lowered build, except for the size. */
export const benchApp = async (stack: BenchStack, runs: number): Promise<PartReport> => {
  const root = process.env['NEXUS_ROOT'] ?? ''
  const found = await setUpAppTests(
    root,
    {
      runtimeDir: stack.folder.runtimeDir,
      resourcesDir: join(root, 'resources'),
      report: ({ message }) => process.stderr.write(`bench: ${message}\n`),
      signal: stack.signal,
    },
    'compatibility',
  )
  const { NEXUS_TEST_ELECTRON: electronPath, NEXUS_TEST_APP: appDir } = found
  if (electronPath === undefined || appDir === undefined)
    throw new Error('there is no Electron for this platform')
  await stack.up()
  const { owner } = await stack.until(({ overall }) => overall === 'ready', readyTimeoutMs)
  const app = await openBenchApp(stack, electronPath, appDir)
  try {
    // The first time the window is shown, it paints everything.
    const firstMs = await app.measureOpening()
    const openings: Sample[] = []
    for (let run = 0; run < runs; run += 1)
      openings.push({ measured: await app.measureOpening(), reference: limits.openingMs })
    const scriptingMs = await undisturbed(stack, () => measureBusy(stack, app))
    await sleep(settleMs, undefined, { signal: stack.signal })
    const idle = await undisturbed(stack, () => measureIdle([...app.pids(), owner.pid], stack.signal))
    return {
      comparisons: [
        compare('window from click to painted numbers', 'ms', openings, limits.openingMs),
        compare('the same, the first time', 'ms', [{ measured: firstMs, reference: limits.openingMs }], null),
        compare(
          'scripting of the window for a snapshot, all slots busy',
          'ms',
          [{ measured: scriptingMs, reference: limits.scriptingMs }],
          limits.scriptingMs,
        ),
        compare(
          `CPU of the app and its core over ${idleSeconds} s, window closed`,
          '%',
          [{ measured: idle.cpuPercent, reference: limits.idleCpuPercent }],
          limits.idleCpuPercent,
        ),
        compare(
          'the window, gzipped, as shipped',
          'KB',
          [{ measured: await measureWindowKb(root), reference: limits.windowKb }],
          limits.windowKb,
        ),
      ],
      stages: [],
    }
  } finally {
    await app.close()
    await stack.down()
  }
}

const compare = (what: string, unit: BenchUnit, samples: readonly Sample[], limit: number | null) => ({
  part: 'app',
  what,
  unit,
  samples,
  against: 'limit',
  goal: limit === null ? null : { text: `<= ${limit} ${unit}`, maxRatio: 1 },
})

/** Every slot generates meanwhile, so that each snapshot differs from the last one in many places. */
const measureBusy = async (stack: BenchStack, app: BenchApp): Promise<number> => {
  const end = new AbortController()
  const requests = [1, 2, 3, 4].map((request) =>
    generate(stack, request, AbortSignal.any([stack.signal, end.signal])),
  )
  try {
    await stack.until(({ slots }) => slots?.every(({ phase }) => phase !== 'idle') === true, readyTimeoutMs)
    return await app.measureScripting(busyMs)
  } finally {
    end.abort()
    await Promise.all(requests)
  }
}

const generate = async (stack: BenchStack, request: number, signal: AbortSignal): Promise<void> => {
  try {
    const response = await fetch(`${stack.engineUrl}/completion`, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.engineKey()}` },
      body: JSON.stringify({ prompt: `Story ${request}:`, n_predict: -1, ignore_eos: true, stream: true }),
    })
    for await (const _ of response.body ?? []) signal.throwIfAborted()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** The core's process counts too: an app has one. */
const measureIdle = async (
  pids: readonly number[],
  signal: AbortSignal,
): Promise<{ readonly cpuPercent: number }> => {
  const seconds = () => pids.reduce((sum, pid) => sum + readCpuSeconds(pid), 0)
  const before = seconds()
  const beganAtMs = performance.now()
  await sleep(idleSeconds * 1000, undefined, { signal })
  return { cpuPercent: ((seconds() - before) * 100_000) / (performance.now() - beganAtMs) }
}

const measureWindowKb = async (root: string): Promise<number> => {
  const outDir = join(root, 'out', 'bench-window')
  await buildRenderer(root, { target: appVariants.shipped.windowTarget, outDir })
  const bytes = readdirSync(outDir).map(
    (name) => gzipSync(readFileSync(join(outDir, name)), { level: 9 }).length,
  )
  return bytes.reduce((sum, each) => sum + each, 0) / 1000
}
