// For tests: a context independent of this machine, and running one probe on a given runner.
import { createDarwinPlatform } from '../../platform/darwin-platform.ts'
import type { CommandResult, RunCommand } from '../../platform/run-command.ts'
import type { SelfcheckContext } from '../context.ts'
import type { Probe, ProbeVerdict } from '../probe.ts'
import { runProbes } from '../run-probes.ts'

export const exited = (stdout: string, exitCode = 0, stderr = ''): CommandResult => ({
  kind: 'exited',
  exitCode,
  stdout,
  stderr,
})

export const createTestContext = (overrides: Partial<SelfcheckContext>): SelfcheckContext => ({
  platformId: 'darwin',
  createPlatform: (run) => createDarwinPlatform({ run }),
  env: {},
  homeDir: '/Users/ana',
  uid: 501,
  nodePath: process.execPath,
  resourcesDir: '/nonexistent/resources',
  runtimeDir: '/nonexistent/runtime',
  workDir: '/nonexistent/work',
  service: { argv: ['/usr/bin/true'], env: {}, logPath: '/dev/null' },
  ensureSetUp: async () => {},
  openStack: () => Promise.reject(new Error('no stack in this test')),
  appPath: null,
  largeBytes: null,
  ...overrides,
})

export interface ProbeResult {
  readonly verdict: ProbeVerdict
  readonly found: string
}

/** Runs the named probes in order, so one may use what an earlier one created. */
export const tryProbes = async (
  probes: readonly Probe[],
  ids: readonly string[],
  run: RunCommand,
): Promise<{ readonly results: Readonly<Record<string, ProbeResult>>; readonly left: readonly string[] }> => {
  const chosen = ids.map((id) => {
    const probe = probes.find((one) => one.id === id)
    if (probe === undefined) throw new Error(`there is no probe ${id}`)
    return probe
  })
  const { runs, left } = await runProbes(chosen, {
    run,
    signal: new AbortController().signal,
    limitMs: 60_000,
    undoLimitMs: 10_000,
    onBegin: () => {},
    onEnd: () => {},
  })
  return {
    results: Object.fromEntries(runs.map(({ probe, verdict, found }) => [probe.id, { verdict, found }])),
    left,
  }
}

export const tryProbe = async (
  probes: readonly Probe[],
  id: string,
  run: RunCommand,
): Promise<ProbeResult> => {
  const { results } = await tryProbes(probes, [id], run)
  const result = results[id]
  if (result === undefined) throw new Error(`${id} was not run`)
  return result
}
