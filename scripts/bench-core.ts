// What the core itself costs: CPU and memory when idle and watched, a killed server's replacement, an answer to `nexus status`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { againstLimit, type Comparison, measureInTurn } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import type { CommandEnd } from './own-stack.ts'
import { listPids, measureCpuPercent, readResidentBytes, untilProcess } from './processes.ts'

const cpuLimitPercent = 0.5
const residentLimitMb = 90
/** After a start the core still answers its starter and reads everything once. */
const settleMs = 5_000
const aloneSeconds = 60
const watchedSeconds = 20

export const benchIdle = async (stack: BenchStack): Promise<readonly Comparison[]> => {
  await stack.up()
  const { owner } = await stack.until()
  const alone = await measureCost(owner.pid, aloneSeconds, stack.signal)
  const watched = await stack.watchedFromOutside(() => measureCost(owner.pid, watchedSeconds, stack.signal))
  await stack.down()
  const compare = (who: string, { cpuPercent, residentMb }: typeof alone, isGoal: boolean) => [
    againstLimit(`CPU of the core, ${who}`, '%', cpuLimitPercent, [cpuPercent], isGoal),
    againstLimit(`resident memory of the core, ${who}`, 'MB', residentLimitMb, residentMb, isGoal),
  ]
  return [
    ...compare(`idle over ${aloneSeconds} s`, alone, true),
    ...compare(`watched over ${watchedSeconds} s`, watched, false),
  ]
}

const measureCost = async (pid: number, seconds: number, signal: AbortSignal) => {
  await sleep(settleMs, undefined, { signal })
  const residentMb: number[] = []
  const reading = setInterval(() => residentMb.push(readResidentBytes(pid) / 1e6), 1_000)
  try {
    return { cpuPercent: await measureCpuPercent([pid], seconds, signal), residentMb }
  } finally {
    clearInterval(reading)
  }
}

/** From the kill until the replacement is in the process table. */
const respawnLimitSeconds = 0.3
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
    againstLimit(`kill -9 of ${name} until its replacement runs`, 's', respawnLimitSeconds, measured)
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

/** From a shell's point of view, beside the bare start of the Node that runs it. */
export const benchStatus = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  const emptyScript = join(stack.home, 'empty.mjs')
  writeFileSync(emptyScript, '')
  const timed = (run: () => Promise<CommandEnd>) => async () => {
    const { startedAt, endedAt } = await run()
    return endedAt - startedAt
  }
  const askStatus = timed(() => stack.nexus('status', '--json'))
  // scripts/bench and scripts/nexus choose their Node alike, so this is the one that runs the command.
  const startNode = timed(() => stack.run(process.execPath, emptyScript))
  await stack.up()
  await stack.until()
  // Not measured: the first run reads the programs from the disk and fills Node's compile cache.
  await askStatus()
  await startNode()
  const samples = await measureInTurn(runs, askStatus, startNode)
  await stack.down()
  const what = 'nexus status --json, the whole command'
  return [{ what, unit: 'ms', samples, against: 'bare start of Node', goal: null }]
}
