// How fast a killed server is replaced: from the kill until its replacement is in the process table.
import { againstLimit, type Comparison } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { listPids, untilProcess } from './processes.ts'

const limitSeconds = 0.3
const respawnTimeoutMs = 30_000

export const benchRespawn = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  const seconds: Record<'llamaServer' | 'proxy', number[]> = { llamaServer: [], proxy: [] }
  await stack.up()
  for (let run = 0; run < runs; run += 1) {
    for (const service of ['llamaServer', 'proxy'] as const) {
      // A user's restart resets the crash count, so that each kill is the first.
      if (run > 0) await stack.nexus('restart', service)
      seconds[service].push(await measureRespawn(stack, service))
    }
  }
  await stack.down()
  const compare = (name: string, measured: readonly number[]) =>
    againstLimit(`kill -9 of ${name} until its replacement runs`, 's', limitSeconds, measured)
  return [compare('llama-server', seconds.llamaServer), compare('LiteLLM', seconds.proxy)]
}

const measureRespawn = async (stack: BenchStack, service: 'llamaServer' | 'proxy'): Promise<number> => {
  const before = await stack.until()
  const { pid, argv } = stack.ledgerEntry(service)
  if (before.services[service].pid !== pid) throw new Error('ledger and snapshot name different processes')
  if (before.services[service].restarts !== 0) throw new Error(`${service} crashed before it was killed`)
  const known = new Set(listPids())
  const killedAtMs = performance.now()
  process.kill(pid, 'SIGKILL')
  const { pid: next, seenAtMs } = await untilProcess(argv, known, respawnTimeoutMs, stack.signal)
  const after = await stack.until(
    ({ overall, services }) => overall === 'ready' && services[service].pid === next,
  )
  if (after.services[service].restarts !== 1) throw new Error(`${service} was started more than once`)
  return (seenAtMs - killedAtMs) / 1000
}
