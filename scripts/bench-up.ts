// Compares `nexus up` with a bare shell script that starts the same two servers: time until the first answer.

import { type BareStart, writeBareStart } from './bench-bare-start.ts'
import { findProcessesOf, killAll, readProgram } from './bench-processes.ts'
import { median, type PartReport, type Sample } from './bench-report.ts'
import type { BenchStack, TimedCommand } from './bench-stack.ts'

const stageNames = ['router-process', 'engine-process', 'engine-ready', 'router-ready', 'answered'] as const
type StageTimes = ReadonlyMap<string, number>

export const benchUp = async (stack: BenchStack, runs: number): Promise<PartReport> => {
  const bare = await prepareBareStart(stack)
  const samples: Sample[] = []
  const ours: StageTimes[] = []
  const theirs: StageTimes[] = []
  for (let run = 0; run < runs; run += 1) {
    const up = await stack.up()
    ours.push(await readOurStages(stack, up))
    await stack.down()
    const script = await runBareStart(stack, bare)
    theirs.push(script.stages)
    samples.push({ measured: (up.endedAt - up.startedAt) / 1000, reference: script.seconds })
  }
  const medianOf = (all: readonly StageTimes[], name: string): number | null => {
    const values = all.flatMap((times) => times.get(name) ?? [])
    return values.length === 0 ? null : median(values)
  }
  return {
    comparisons: [
      {
        part: 'up',
        what: 'nexus up until the first proved message',
        unit: 's',
        samples,
        against: 'bare script',
        goal: { text: 'ratio <= 1.05', maxRatio: 1.05 },
      },
    ],
    stages: [...stageNames, 'ended'].map((name) => ({
      name,
      measuredSeconds: medianOf(ours, name),
      referenceSeconds: medianOf(theirs, name),
    })),
  }
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

const readOurStages = async (
  stack: BenchStack,
  { startedAt, endedAt }: TimedCommand,
): Promise<StageTimes> => {
  const { services, proof } = await stack.readSnapshot()
  const since = (epochMs: number) => (epochMs - startedAt) / 1000
  return new Map([
    ['router-process', since(stack.ledgerEntry('proxy').spawnedAtMs)],
    ['engine-process', since(stack.ledgerEntry('llamaServer').spawnedAtMs)],
    ['engine-ready', since(services.llamaServer.since)],
    ['router-ready', since(services.proxy.since)],
    ...(proof === null ? [] : [['answered', since(proof.provedAt)] as const]),
    ['ended', since(endedAt)],
  ])
}

const runBareStart = async (
  stack: BenchStack,
  bare: BareStart,
): Promise<{ readonly seconds: number; readonly stages: StageTimes }> => {
  try {
    const { startedAt, endedAt } = await stack.run(['bash', bare.path])
    const stages = new Map([...bare.readTimes()].map(([name, at]) => [name, at - startedAt / 1000]))
    const seconds = (endedAt - startedAt) / 1000
    return { seconds, stages: new Map([...stages, ['ended', seconds]]) }
  } finally {
    await killAll(findProcessesOf(stack.folder.root))
  }
}
