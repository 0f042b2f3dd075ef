// Compares `nexus up` with a bare shell script that starts the same two servers: time until the first answer.
import { type BareStart, writeBareStart } from './bench-bare-start.ts'
import type { Comparison } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { readProgram } from './processes.ts'

const stages = ['router-process', 'engine-process', 'engine-ready', 'router-ready', 'answered'] as const
/** Seconds since the command. */
type StageTimes = ReadonlyMap<string, number>

export const benchUp = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  const bare = await prepareBareStart(stack)
  const pairs: { readonly ours: StageTimes; readonly theirs: StageTimes }[] = []
  for (let run = 0; run < runs; run += 1) {
    const ours = await runNexusUp(stack)
    await stack.down()
    pairs.push({ ours, theirs: await runBareStart(stack, bare) })
  }
  const compare = (what: string, stage: string, goal: Comparison['goal']): Comparison => ({
    what,
    unit: 's',
    samples: pairs.map(({ ours, theirs }) => ({
      measured: ours.get(stage) ?? Number.NaN,
      reference: theirs.get(stage) ?? Number.NaN,
    })),
    against: 'bare script',
    goal,
  })
  return [
    compare('nexus up until the first proved message', 'ended', { maxRatio: 1.05 }),
    // Where a difference comes from.
    ...stages.map((stage) => compare(`nexus up until ${stage}`, stage, null)),
  ]
}

/** An unmeasured first start: it fills the state folder and the page cache, and shows what to start. */
const prepareBareStart = async (stack: BenchStack): Promise<BareStart> => {
  await stack.up()
  const programs = {
    llamaServer: readProgram(stack.ledgerEntry('llamaServer').pid),
    proxy: readProgram(stack.ledgerEntry('proxy').pid),
  }
  const { proof } = await stack.readSnapshot()
  if (proof === null) throw new Error('nexus up ended without a proof')
  await stack.down()
  // The words and the limit of the proof's own message (electron/core/stack/proof.ts).
  return writeBareStart(stack, programs, { model: proof.model, maxTokens: 8, text: 'Say hello.' })
}

const runNexusUp = async (stack: BenchStack): Promise<StageTimes> => {
  const { startedAt, endedAt } = await stack.up()
  const { services, proof } = await stack.readSnapshot()
  const since = (epochMs: number) => (epochMs - startedAt) / 1000
  return new Map([
    ['router-process', since(stack.ledgerEntry('proxy').spawnedAtMs)],
    ['engine-process', since(stack.ledgerEntry('llamaServer').spawnedAtMs)],
    ['engine-ready', since(services.llamaServer.since)],
    ['router-ready', since(services.proxy.since)],
    ['answered', since(proof?.provedAt ?? Number.NaN)],
    ['ended', since(endedAt)],
  ])
}

const runBareStart = async (stack: BenchStack, bare: BareStart): Promise<StageTimes> => {
  try {
    const { startedAt, endedAt } = await stack.run('bash', bare.path)
    const times = [...bare.readTimes(), ['ended', endedAt / 1000] as const]
    return new Map(times.map(([name, at]) => [name, at - startedAt / 1000]))
  } finally {
    await stack.endAll()
  }
}
