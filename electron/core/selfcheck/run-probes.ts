// Runs probes in sequence, stops those that hang, and always removes what they created.

import { messageOf } from '../base/error-message.ts'
import { firstOf, within } from '../base/first-of.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { type Evidence, type Finding, fail, type Probe, type Undo } from './probe.ts'

export interface ProbeRun extends Finding {
  readonly probe: Probe
  readonly milliseconds: number
  readonly evidence: readonly Evidence[]
}

export interface RunProbesOptions {
  readonly run: RunCommand
  /** Aborted: stops the current probe and skips the rest. */
  readonly signal: AbortSignal
  /** For all timed probes together. */
  readonly limitMs: number
  /** For each removal. */
  readonly undoLimitMs: number
  readonly onBegin: (probe: Probe) => void
  readonly onEnd: (run: ProbeRun) => void
}

/** `left` is what could not be removed, with the command to remove it. */
export const runProbes = async (probes: readonly Probe[], options: RunProbesOptions) => {
  const runs: ProbeRun[] = []
  const left: string[] = []
  const atEnd = createUndoList(options.undoLimitMs)
  let spentMs = 0
  for (const probe of probes) {
    if (options.signal.aborted) break
    const limitMs = probe.isUntimed
      ? probe.limitMs
      : Math.max(0, Math.min(probe.limitMs, options.limitMs - spentMs))
    options.onBegin(probe)
    const ended = await runOne(probe, limitMs, atEnd, options)
    if (!probe.isUntimed) spentMs += ended.run.milliseconds
    left.push(...ended.left)
    runs.push(ended.run)
    options.onEnd(ended.run)
  }
  left.push(...(await atEnd.close()))
  return { runs, left }
}

type UndoList = ReturnType<typeof createUndoList>

const runOne = async (
  probe: Probe,
  limitMs: number,
  atEnd: UndoList,
  { run, signal, undoLimitMs }: RunProbesOptions,
): Promise<{ readonly run: ProbeRun; readonly left: readonly string[] }> => {
  const began = performance.now()
  const evidence: Evidence[] = []
  const undos = createUndoList(undoLimitMs)
  const limit = new AbortController()
  const over = AbortSignal.any([signal, limit.signal])
  const timer = setTimeout(
    () => limit.abort(new Error(`no result within ${(limitMs / 1000).toFixed(0)} s`)),
    limitMs,
  )
  const work = async () =>
    probe.run({
      signal: over,
      run: async (argv, options) => {
        const result = await run(argv, options)
        evidence.push({ kind: 'command', argv, result })
        return result
      },
      keep: (source, what, text) => evidence.push({ kind: 'text', source, what, text }),
      defer: undos.add,
      deferToEnd: atEnd.add,
    })
  const finding = await firstOf([work().catch(judgeError), untilAborted(over)])
  clearTimeout(timer)
  // A probe that timed out may still be running: tell it to stop.
  limit.abort(new Error('the probe is over'))
  const left = await undos.close()
  const judged =
    left.length === 0 ? finding : fail(`${finding.found}; it left something behind: ${left.join('; ')}`)
  const milliseconds = Math.round(performance.now() - began)
  return { run: { probe, ...judged, milliseconds, evidence: [...evidence] }, left }
}

const judgeError = (error: unknown): Finding => fail(messageOf(error))

const untilAborted = (signal: AbortSignal): Promise<Finding> =>
  new Promise((resolve) => {
    const give = () => resolve(fail(`stopped: ${messageOf(signal.reason)}`))
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })

/**
 * Runs undos last first. A probe that timed out may still register one: that one runs at once, because the thing may already
 * exist.
 */
const createUndoList = (limitMs: number) => {
  const undos: Undo[] = []
  let isClosed = false
  return {
    add: (undo: Undo) => {
      if (isClosed) void attemptUndo(undo, limitMs)
      else undos.push(undo)
    },
    close: async (): Promise<readonly string[]> => {
      const left: string[] = []
      for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
        const failure = await attemptUndo(undo, limitMs)
        if (failure !== null) left.push(failure)
      }
      isClosed = true
      return left
    },
  }
}

/** null when it is gone. */
const attemptUndo = async ({ what, command, undo }: Undo, limitMs: number): Promise<string | null> => {
  const say = (reason: string) => `${what} (${reason}); remove it: ${command}`
  try {
    const done = await within(
      undo().then(() => true),
      limitMs,
    )
    return done === null ? say(`not removed within ${Math.round(limitMs / 1000)} s`) : null
  } catch (error) {
    return say(messageOf(error))
  }
}
