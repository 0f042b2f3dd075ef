// How fast a killed server is replaced: from the kill until its replacement is in the process table.
import { listKnownPids, untilProcess } from './bench-processes.ts'
import type { PartReport, Sample } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'

const limitSeconds = 0.3
const respawnTimeoutMs = 30_000
const readyTimeoutMs = 120_000
const servers = [
  ['llamaServer', 'llama-server'],
  ['proxy', 'LiteLLM'],
] as const

export const benchRespawn = async (stack: BenchStack, runs: number): Promise<PartReport> => {
  const samples: Record<'llamaServer' | 'proxy', Sample[]> = { llamaServer: [], proxy: [] }
  await stack.up()
  for (let run = 0; run < runs; run += 1) {
    for (const [service] of servers) {
      // A user's restart resets the crash count, so that each kill is the first.
      if (run > 0) await stack.nexus('restart', service)
      samples[service].push({ measured: await measureRespawn(stack, service), reference: limitSeconds })
    }
  }
  await stack.down()
  return {
    comparisons: servers.map(([service, name]) => ({
      part: 'respawn',
      what: `kill -9 of ${name} until its replacement runs`,
      unit: 's',
      samples: samples[service],
      against: 'limit',
      goal: { text: '<= 0.3 s', maxRatio: 1 },
    })),
    stages: [],
  }
}

const measureRespawn = async (stack: BenchStack, service: 'llamaServer' | 'proxy'): Promise<number> => {
  const before = await stack.until(({ overall }) => overall === 'ready', readyTimeoutMs)
  const { pid, argv } = stack.ledgerEntry(service)
  if (before.services[service].pid !== pid) throw new Error('ledger and snapshot name different processes')
  if (before.services[service].restarts !== 0) throw new Error(`${service} crashed before it was killed`)
  const known = listKnownPids()
  const killedAtMs = performance.now()
  process.kill(pid, 'SIGKILL')
  const { pid: next, seenAtMs } = await untilProcess(argv, known, respawnTimeoutMs, stack.signal)
  const after = await stack.until(
    ({ overall, services }) => overall === 'ready' && services[service].pid === next,
    readyTimeoutMs,
  )
  if (after.services[service].restarts !== 1) throw new Error(`${service} was started more than once`)
  return (seenAtMs - killedAtMs) / 1000
}
