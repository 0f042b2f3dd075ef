// `nexus bench model`: what this machine's model does at several batch sizes, and which one to take.

import type { Profile } from '../../contract/profile.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { ensureEngineKey } from '../../core/access/keys.ts'
import { messageOf } from '../../core/base/error-message.ts'
import { localUrl } from '../../core/base/local-url.ts'
import type { ControlClient } from '../../core/control/client.ts'
import { llamaServerEnvironment } from '../../core/engine/llama-capabilities.ts'
import type { BenchReading, BenchSizes } from '../../core/model-bench/measure.ts'
import { measureOnce } from '../../core/model-bench/measure.ts'
import { startPrivateEngine } from '../../core/model-bench/private-engine.ts'
import { type BatchRow, recommendBatch, summariseBatch } from '../../core/model-bench/recommend.ts'
import { readEngine, readMachine } from '../../core/stack/plan-reading.ts'
import { measureWork } from '../../wording/work.ts'
import type { CliCommand } from '../arguments.ts'
import { attachToRunning } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readSnapshotInTime } from '../core-answer.ts'
import { followUntil } from '../follow-core.ts'
import { createInterruption } from '../interruption.ts'
import { readPresentProfile } from '../profile-choice.ts'
import { ensureSetUp } from '../set-up.ts'
import { judgeDown, judgeUp } from '../settling.ts'
import { renderBench } from '../view/bench-view.ts'

type BenchCommand = Extract<CliCommand, { name: 'bench' }>

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
    context.printError(refusal)
    return exitCodes.failed
  }
  const stop = createInterruption('the bench was interrupted', context)
  let restored: string | null = null
  try {
    await ensureSetUp(profile, context, stop.signal)
    stop.signal.throwIfAborted()
    if (client !== null && runs) await stopEngine(client)
    const rows = await measureAll(command, { profile, context, signal: stop.signal })
    report(command, context, rows)
  } finally {
    if (client !== null && before !== null && runs) restored = await startEngine(client, before.profile)
    client?.close()
    stop.end()
  }
  if (restored !== null) {
    context.printError(`The AI Engine did not come back: ${restored}. nexus up starts it.`)
    return exitCodes.failed
  }
  return exitCodes.done
}

const refuseToGuest = (user: string | null): string | null =>
  user === null ? null : `The AI Engine that runs here is ${user}'s: its bench is for ${user} alone.`

/** Two copies of a large model do not fit, so the one that runs has to stop meanwhile: never from under somebody's work. */
const refuseToInterrupt = (snapshot: Snapshot, yes: boolean): string | null => {
  const { services } = snapshot
  if (services.llamaServer.phase !== 'ready')
    return `The AI Engine is ${services.llamaServer.phase}: the bench starts from one that is ready, or stopped.`
  const work = measureWork(snapshot)
  if (work.kind === 'unknown') return 'Whether anybody is served now cannot be told; try again in a moment.'
  if (work.kind === 'agents')
    return `${work.busy} slots are busy and ${work.waiting} requests wait: try again when nobody works.`
  return yes
    ? null
    : 'The AI Engine would stop for some minutes, start with each batch size in turn, and then run as it does now; who asks meanwhile gets errors. If that is all right: nexus bench model --yes'
}

const stopEngine = async (client: ControlClient): Promise<void> => {
  const outcome = await client.dispatch({
    type: 'stop',
    only: 'llamaServer',
    eject: false,
    now: false,
    force: false,
  })
  if (!outcome.accepted) throw new Error(outcome.reason)
  const stopped = await followUntil(client, (now) => judgeDown(now, 'llamaServer').kind !== 'waiting')
  if (stopped === null || judgeDown(stopped, 'llamaServer').kind !== 'stopped')
    throw new Error('the AI Engine did not stop')
}

/**
 * With the profile that it ran with, by name: with nothing else running, a start without one would take the configured one.
 * Why it does not run; null: it does.
 */
const startEngine = async (client: ControlClient, profile: string): Promise<string | null> => {
  try {
    const outcome = await client.dispatch({ type: 'start', only: 'llamaServer', profile, force: true })
    if (!outcome.accepted) return outcome.reason
    const last = await followUntil(client, (now) => judgeUp(now, 'llamaServer').kind !== 'waiting')
    if (last === null) return 'the core went away'
    const judgement = judgeUp(last, 'llamaServer')
    return judgement.kind === 'failed' ? judgement.reasons.join(' ') : null
  } catch (error) {
    return messageOf(error)
  }
}

interface Bench {
  readonly profile: Profile
  readonly context: CliContext
  readonly signal: AbortSignal
}

const measureAll = async (command: BenchCommand, bench: Bench): Promise<readonly BatchRow[]> => {
  const rows: BatchRow[] = []
  for (const batchTokens of command.batches) {
    const readings = await measureBatch(batchTokens, command, bench)
    rows.push(summariseBatch({ batchTokens, readings }))
  }
  return rows
}

const measureBatch = async (
  batchTokens: number,
  command: BenchCommand,
  { profile, context, signal }: Bench,
): Promise<readonly BenchReading[]> => {
  const { llamaServer } = profile
  const microBatchTokens = Math.min(batchTokens, llamaServer.microBatchTokens)
  const changed = { ...profile, llamaServer: { ...llamaServer, batchTokens, microBatchTokens } }
  const plan = await readEngine(context, 'bench', changed, await readMachine(null, context, changed))
  const [program] = plan.argv ?? []
  if (plan.argv === null || program === undefined) throw new Error(plan.problems.join(' '))
  const say = (text: string) => context.printError(`-b ${batchTokens}: ${text}`)
  say('llama-server starts')
  const server = {
    baseUrl: localUrl(llamaServer.host, llamaServer.port),
    key: ensureEngineKey(context.folder.keysDir).key,
  }
  const env = llamaServerEnvironment(program, context.platform.id)
  const engine = await startPrivateEngine({ argv: plan.argv, env, baseUrl: server.baseUrl, signal })
  try {
    const perSlot = Math.floor(llamaServer.contextTokens / llamaServer.slots)
    const sizes: BenchSizes = {
      repeats: command.repeats,
      // Half a slot, so that a vocabulary of short pieces does not overflow it.
      promptTokens: Math.min(command.promptTokens, Math.floor(perSlot / 2)),
      generatedTokens: 64,
    }
    const readings: BenchReading[] = []
    for (let repeat = 0; repeat < sizes.repeats; repeat += 1) {
      say(`measurement ${repeat + 1} of ${sizes.repeats}`)
      const mark = `${batchTokens}x${repeat}`
      readings.push(await measureOnce(server, sizes, { slots: llamaServer.slots, mark, signal }))
    }
    return readings
  } finally {
    await engine.end()
  }
}

const report = (command: BenchCommand, context: CliContext, rows: readonly BatchRow[]): void => {
  const recommendation = recommendBatch(rows)
  if (command.json) {
    const { repeats, promptTokens } = command
    context.print(JSON.stringify({ repeats, promptTokens, rows, recommendation }, null, 2))
  } else for (const line of renderBench(rows, recommendation, command.repeats)) context.print(line)
}
