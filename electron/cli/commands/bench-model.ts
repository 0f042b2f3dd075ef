// `nexus bench model`: measures this machine's model at several batch sizes, with each KV cache type, and beside idle slots.
import { startCommand, stopCommand } from '../../contract/command.ts'
import type { KvCacheType, Profile } from '../../contract/profile.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { ensureEngineKey } from '../../core/access/keys.ts'
import { messageOf } from '../../core/base/error-message.ts'
import { localUrl } from '../../core/base/local-url.ts'
import type { ControlClient } from '../../core/control/client.ts'
import { llamaServerEnvironment } from '../../core/engine/llama-capabilities.ts'
import type { BenchServer } from '../../core/model-bench/completion.ts'
import { type BenchSizes, measureIdleSlots, measureOnce } from '../../core/model-bench/measure.ts'
import { startPrivateEngine } from '../../core/model-bench/private-engine.ts'
import {
  type BatchRow,
  type IdleSlotsRow,
  type KvRow,
  recommendBatch,
  summariseBatch,
  summariseIdleSlots,
  summariseKv,
} from '../../core/model-bench/recommend.ts'
import { readEngine, readMachine } from '../../core/stack/plan-reading.ts'
import { measureWork } from '../../wording/room.ts'
import type { CommandNamed } from '../arguments.ts'
import { attachToRunning } from '../attach.ts'
import { type CliContext, exitCodes, fail, printAnswer } from '../context.ts'
import { order, readSnapshotInTime, untilSettled } from '../core-answer.ts'
import { createInterruption } from '../interruption.ts'
import { readPresentProfile } from '../profile-choice.ts'
import { ensureSetUp } from '../set-up.ts'
import { judgeDown, judgeUp } from '../settling.ts'
import { type BenchResults, renderBench } from '../view/bench-view.ts'

type BenchCommand = CommandNamed<'bench'>

export const runBenchModel = async (command: BenchCommand, context: CliContext): Promise<number> => {
  const profile = await readPresentProfile(context)
  const client = await attachToRunning(context)
  const before = client === null ? null : await readSnapshotInTime(client, context)
  const runs = before !== null && before.services.llamaServer.phase !== 'stopped'
  const refusal = runs
    ? (refuseToGuest(client?.user ?? null) ?? refuseToInterrupt(before, command.yes))
    : null
  if (refusal !== null) {
    client?.close()
    return fail(context, refusal)
  }
  const stop = createInterruption('the bench was interrupted', context)
  let failure: string | null = null
  try {
    await ensureSetUp(profile, context, stop.signal)
    stop.signal.throwIfAborted()
    if (client !== null && runs) await stopEngine(client)
    report(command, context, await measureAll({ command, profile, context, signal: stop.signal }))
  } finally {
    if (client !== null && runs)
      failure = await startEngine(client, before.profile).then(() => null, messageOf)
    client?.close()
    stop.end()
  }
  return failure === null
    ? exitCodes.done
    : fail(context, `The AI Engine did not come back: ${failure}. nexus up starts it.`)
}

const refuseToGuest = (user: string | null): string | null =>
  user === null ? null : `The AI Engine running here is ${user}'s: only ${user} may bench it.`

/** Two copies of a large model do not fit, so the running one must stop meanwhile, but never while it serves requests. */
const refuseToInterrupt = (snapshot: Snapshot, yes: boolean): string | null => {
  const { services } = snapshot
  if (services.llamaServer.phase !== 'ready')
    return `The AI Engine is ${services.llamaServer.phase}: the bench needs one that is ready or stopped.`
  const work = measureWork(snapshot)
  if (work.kind === 'unknown')
    return 'Could not find out whether requests are running; try again in a moment.'
  if (work.kind === 'agents')
    return `${work.busy} slots are busy and ${work.waiting} requests wait: try again when the AI Engine is idle.`
  return yes
    ? null
    : 'The AI Engine would stop for some minutes, start with each setting in turn, and then run as it does now; requests fail meanwhile. If that is all right: nexus bench model --yes'
}

const stopEngine = async (client: ControlClient): Promise<void> => {
  await order(client, stopCommand('llamaServer'))
  await untilSettled(client, (now) => judgeDown(now, 'llamaServer'))
}

/** Names the profile that it ran with: with nothing else running, a start without a name would take the configured one. */
const startEngine = async (client: ControlClient, profile: string): Promise<void> => {
  await order(client, { ...startCommand('llamaServer'), profile, force: true })
  await untilSettled(client, (now) => judgeUp(now, 'llamaServer'))
}

interface Bench {
  readonly command: BenchCommand
  readonly profile: Profile
  readonly context: CliContext
  readonly signal: AbortSignal
}

const measureAll = async (bench: Bench): Promise<BenchResults> => {
  const { measure, batches } = bench.command
  const rows: BatchRow[] = []
  if (measure.includes('batches'))
    for (const batchTokens of batches) rows.push(await measureBatch(batchTokens, bench))
  const kv: KvRow[] = []
  if (measure.includes('kv')) for (const type of comparedKvTypes) kv.push(await measureKv(type, bench))
  return { rows, kv, idleSlots: measure.includes('idle') ? await measureIdle(bench) : null }
}

const comparedKvTypes = ['f16', 'q8_0', 'q4_0'] as const satisfies readonly KvCacheType[]

const measureBatch = async (batchTokens: number, bench: Bench): Promise<BatchRow> => {
  const microBatchTokens = Math.min(batchTokens, bench.profile.llamaServer.microBatchTokens)
  const changes = { batchTokens, microBatchTokens }
  const readings = await repeat(`-b ${batchTokens}`, changes, bench, (server, sizes, mark) =>
    measureOnce(server, sizes, { slots: bench.profile.llamaServer.slots, mark, signal: bench.signal }),
  )
  return summariseBatch({ batchTokens, readings })
}

/** A type that does not fit, or that this build rejects, becomes a row with the reason; the others are still measured. */
const measureKv = async (type: KvCacheType, bench: Bench): Promise<KvRow> => {
  try {
    const readings = await repeat(
      `KV ${type}`,
      { cacheTypeK: type, cacheTypeV: type },
      bench,
      (server, sizes, mark) => measureOnce(server, sizes, { slots: 1, mark, signal: bench.signal }),
    )
    return summariseKv(type, readings)
  } catch (error) {
    bench.signal.throwIfAborted()
    return { type, failure: messageOf(error) }
  }
}

/** null: there is only one slot. */
const measureIdle = async (bench: Bench): Promise<IdleSlotsRow | null> => {
  const { slots } = bench.profile.llamaServer
  if (slots < 2) return null
  const readings = await repeat('idle slots', {}, bench, (server, sizes, mark, index) =>
    measureIdleSlots(server, sizes, { slots, mark, heldFirst: index % 2 === 1, signal: bench.signal }),
  )
  return summariseIdleSlots(slots - 1, sizesOf(bench).promptTokens, readings)
}

const sizesOf = ({ command, profile: { llamaServer } }: Bench): BenchSizes => ({
  repeats: command.repeats,
  // Half a slot, so that a vocabulary of short pieces does not overflow it.
  promptTokens: Math.min(command.promptTokens, Math.floor(llamaServer.contextTokens / llamaServer.slots / 2)),
  generatedTokens: 64,
})

/** Starts llama-server with these changes to the profile and measures as often as the command says. */
const repeat = async <T>(
  what: string,
  changes: Partial<Profile['llamaServer']>,
  bench: Bench,
  measure: (server: BenchServer, sizes: BenchSizes, mark: string, index: number) => Promise<T>,
): Promise<readonly T[]> => {
  const { profile, context, signal } = bench
  const { llamaServer } = profile
  const changed = { ...profile, llamaServer: { ...llamaServer, ...changes } }
  const plan = await readEngine(context, 'bench', changed, await readMachine(null, context, changed))
  const [program] = plan.argv ?? []
  if (plan.argv === null || program === undefined) throw new Error(plan.problems.join(' '))
  const say = (text: string) => context.printError(`${what}: ${text}`)
  say('llama-server starts')
  const server = {
    baseUrl: localUrl(llamaServer.host, llamaServer.port),
    key: ensureEngineKey(context.folder.keysDir).key,
  }
  const env = llamaServerEnvironment(program, context.platform.id)
  const engine = await startPrivateEngine({ argv: plan.argv, env, baseUrl: server.baseUrl, signal })
  try {
    const sizes = sizesOf(bench)
    const readings: T[] = []
    for (let index = 0; index < sizes.repeats; index += 1) {
      say(`measurement ${index + 1} of ${sizes.repeats}`)
      readings.push(await measure(server, sizes, `${what.replaceAll(' ', '-')}x${index}`, index))
    }
    return readings
  } finally {
    await engine.end()
  }
}

const report = (command: BenchCommand, context: CliContext, results: BenchResults): void => {
  const { repeats, promptTokens } = command
  const recommendation = recommendBatch(results.rows)
  const document = { repeats, promptTokens, ...results, recommendation }
  printAnswer(context, command.json, document, renderBench(results, recommendation, repeats))
}
