// Compares `nexus up` with a bare shell script that starts the same two servers: time until the first answer.
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Comparison } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'

const stages = ['router-process', 'engine-process', 'engine-ready', 'router-ready', 'answered'] as const
/** Seconds since the command. */
type StageTimes = ReadonlyMap<string, number>

export const benchUp = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  await prepareBareStart(stack)
  const pairs: { readonly ours: StageTimes; readonly theirs: StageTimes }[] = []
  for (let run = 0; run < runs; run += 1) {
    const ours = await runNexusUp(stack)
    await stack.down()
    pairs.push({ ours, theirs: await runBareStart(stack) })
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

const bareFolder = ({ home }: BenchStack): string => join(home, 'bare')

/** An unmeasured first start: it fills the state folder and the page cache, and shows what to start. */
const prepareBareStart = async (stack: BenchStack): Promise<void> => {
  const dir = bareFolder(stack)
  mkdirSync(dir, { mode: 0o700 })
  await stack.up()
  for (const service of ['llamaServer', 'proxy'] as const) {
    const process = `/proc/${stack.ledgerEntry(service).pid}`
    // Not copyFileSync: it copies as many bytes as stat says, and a file in /proc says 0.
    for (const file of ['cmdline', 'environ'])
      writeFileSync(join(dir, `${service}.${file}`), readFileSync(`${process}/${file}`))
    symlinkSync(readlinkSync(`${process}/cwd`), join(dir, `${service}.cwd`))
  }
  writeFileSync(join(dir, 'headers'), `x-api-key: ${stack.clientKey()}`, { mode: 0o600 })
  const { proof } = await stack.readSnapshot()
  if (proof === null) throw new Error('nexus up ended without a proof')
  await stack.down()
  // The words and the limit of the proof's own message (electron/core/stack/proof.ts).
  const messages = [{ role: 'user', content: 'Say hello.' }]
  writeFileSync(join(dir, 'message.json'), JSON.stringify({ model: proof.model, max_tokens: 8, messages }))
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

const runBareStart = async (stack: BenchStack): Promise<StageTimes> => {
  const dir = bareFolder(stack)
  const program = join(stack.root, 'scripts', 'bare-start.sh')
  const ports = [String(stack.enginePort), String(stack.routerPort)]
  try {
    const { startedAt, endedAt } = await stack.run(program, dir, ...ports)
    const lines = readFileSync(join(dir, 'times'), 'utf8').trimEnd().split('\n')
    const times = [...lines.map((line) => line.split(' ')), ['ended', String(endedAt / 1000)]]
    return new Map(times.map(([name = '', at]) => [name, Number(at) - startedAt / 1000]))
  } finally {
    await stack.endAll()
  }
}
