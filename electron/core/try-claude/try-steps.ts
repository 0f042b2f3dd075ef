// The steps of a try: the real Claude Code works as an agent against the running stack.
import type { Snapshot } from '../../contract/snapshot.ts'
import { formatSeconds } from '../../wording/figures.ts'
import { formatCount } from '../base/format-bytes.ts'
import type { ClaudeRun } from './claude-run.ts'
import { failed, passed, problemOf, skipped, type TryStep } from './try-step.ts'
import { usesItsTools } from './try-tools-step.ts'

/** Several tokens each in any vocabulary, and never the same twice, so that no cache has them. */
const boxes = (count: number, mark: string): string =>
  Array.from(
    { length: count },
    (_, index) => `Box ${index} of ${mark} is ${index % 2 === 0 ? 'red' : 'blue'}.`,
  ).join(' ')
const rehearsedBoxes = 50
/** Below the slot's size but above the Router's limit, which keeps a sixteenth for the answer (seen). */
const marginTokens = 170

const firstAnswer: TryStep = {
  id: 'first-answer',
  title: 'A first answer',
  disturbs: false,
  run: async (stack) => {
    const [developer] = stack.developers
    const run = await stack.ask(developer.home, 'Say hello in one word.')
    const problem = problemOf(run)
    if (problem !== null) return failed(problem)
    const { result } = run
    const window = result?.contextWindow ?? null
    if (window !== null && window !== stack.limits.contextTokens)
      return failed(
        `answered, but Claude Code assumes ${formatCount(window)} tokens and a slot holds ${formatCount(stack.limits.contextTokens)}`,
      )
    return passed(
      `${describeAnswer(run)}; it asked for ${run.model ?? 'an unknown model'} with the tools ${run.tools.join(', ')}`,
    )
  },
}

const describeAnswer = ({ result }: ClaudeRun): string => {
  if (result === null) return 'no answer'
  const first =
    result.firstTokenMs === null ? '' : `first token after ${formatSeconds(result.firstTokenMs)}, `
  return `${first}${formatCount(result.inputTokens)} tokens in, ${formatCount(result.outputTokens)} out`
}

const wrongKey: TryStep = {
  id: 'wrong-key',
  title: 'An unknown key',
  disturbs: false,
  run: async (stack) => {
    const { result, retries } = await stack.ask(stack.stranger, 'Say hello.')
    if (result === null || !result.isError) return failed('it was accepted')
    if (result.apiErrorStatus !== 401)
      return failed(`refused with ${result.apiErrorStatus ?? 'no status'}, not 401: ${result.text}`)
    // Without a clean 401 Claude Code tries ten times (measured on LiteLLM without our module, which answers 500).
    return retries === 0
      ? passed(`refused at once: "${result.text}"`)
      : failed(`refused only after ${retries} more attempts`)
  },
}

const twoDevelopers: TryStep = {
  id: 'two-developers',
  title: 'Two developers at once',
  disturbs: false,
  run: async (stack) => {
    const [first, second] = stack.developers
    if (second === undefined) return skipped('only one developer has a key: nexus key create NAME')
    const names = new Set<string>()
    const end = stack.watch(({ requests }) => {
      for (const { developer } of requests ?? []) names.add(developer)
    })
    const runs = await Promise.all(
      [first, second].map(({ name, home }) => stack.ask(home, `Say hello to ${name}.`)),
    )
    end()
    const problem = runs.map(problemOf).find((text) => text !== null)
    if (problem !== undefined) return failed(problem)
    const told = [first.name, second.name].filter((name) => names.has(name))
    const both = `both answered, in ${runs.map(({ result }) => formatSeconds(result?.durationMs ?? 0)).join(' and ')}`
    return passed(told.length === 0 ? both : `${both}; the Router told ${told.join(' and ')} apart`)
  },
}

const oneTooMany: TryStep = {
  id: 'one-too-many',
  title: 'One more agent than slots',
  disturbs: true,
  run: async (stack) => {
    const [developer] = stack.developers
    const count = stack.slots + 1
    let waitingMost = 0
    const end = stack.watch(({ requests, queue }) => {
      const inRouter = (requests ?? []).filter(({ phase }) => phase === 'waiting').length
      waitingMost = Math.max(waitingMost, inRouter, queue?.deferred ?? 0)
    })
    // Each prompt is long enough that all slots are busy together, and that we see the waiting one.
    const runs = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        stack.ask(stack.another(developer), `Say hello. ${boxes(30, `agent ${index}`)}`),
      ),
    )
    end()
    const problem = runs.map(problemOf).find((text) => text !== null)
    if (problem !== undefined) return failed(`one of ${count} agents got no answer: ${problem}`)
    const slowest = Math.max(...runs.map(({ result }) => result?.durationMs ?? 0))
    return waitingMost === 0
      ? failed(`all ${count} were answered, but none was seen waiting`)
      : passed(
          `${count} agents on ${stack.slots} slots: ${waitingMost} waited, all were answered within ${formatSeconds(slowest)}`,
        )
  },
}

const outgrowsItsSlot: TryStep = {
  id: 'outgrows-its-slot',
  title: 'A conversation that outgrows its slot',
  disturbs: true,
  run: async (stack) => {
    const [developer] = stack.developers
    const home = stack.another(developer)
    // Two turns first: with fewer, Claude Code finds nothing to compact and gives up (seen: "too_few_groups").
    const sizes: number[] = []
    let sessionId: string | null = null
    for (const prompt of ['Say hello.', `Remember this. ${boxes(rehearsedBoxes, 'the first row')}`]) {
      const run: ClaudeRun = await stack.ask(home, prompt, sessionId)
      const problem = problemOf(run)
      if (problem !== null) return failed(`turn ${sizes.length + 1}, which fits: ${problem}`)
      sessionId = run.sessionId
      sizes.push(run.result?.inputTokens ?? 0)
    }
    const [first = 0, second = 0] = sizes
    const tokensPerBox = (second - first) / rehearsedBoxes
    const count = Math.floor((stack.limits.contextTokens - marginTokens - second) / tokensPerBox)
    if (tokensPerBox < 1 || count < 1) return failed(`the turns before it took ${first} and ${second} tokens`)
    const third = await stack.ask(home, `And this. ${boxes(count, 'the second row')}`, sessionId)
    const problem = problemOf(third)
    if (problem !== null) return failed(`the turn that does not fit: ${problem}`)
    const [compaction] = third.compactions
    if (compaction === undefined)
      return failed(
        `answered with ${formatCount(third.result?.inputTokens ?? 0)} tokens, and never compacted`,
      )
    const before = compaction.preTokens === null ? '' : ` of ${formatCount(compaction.preTokens)} tokens`
    return passed(
      `Claude Code compacted the conversation${before} by itself and continued: ${describeAnswer(third)}`,
    )
  },
}

const routerRestarts: TryStep = {
  id: 'router-restarts',
  title: 'The Router restarts while it answers',
  disturbs: true,
  run: async (stack) => {
    const [developer] = stack.developers
    const home = stack.another(developer)
    const asked = Date.now()
    // Long to read and short to answer, so that it ends within `drainSeconds`.
    const first = stack.ask(home, `Say hello. ${boxes(rehearsedBoxes, 'what is read meanwhile')}`)
    const ended = new AbortController()
    const endedFirst = first.finally(() => ended.abort())
    const serving = await stack.until(isServedSince(asked, developer.name), requestBeginsMs, ended.signal)
    if (serving === null && ended.signal.aborted) return failed(describeEarlyEnd(await endedFirst))
    if (serving === null) return failed('its request had no effect')
    const refusal = await stack.restartRouter()
    if (refusal !== null) return failed(refusal)
    const gone = await stack.until(({ services }) => services.proxy.phase !== 'ready', restartBeginsMs)
    if (gone === null) return failed('the Router did not begin to restart')
    const finished = await endedFirst
    const cutOff = problemOf(finished)
    if (cutOff !== null)
      return failed(`the answer during the restart (cut off after drainSeconds?): ${cutOff}`)
    const second = await stack.ask(home, 'Say it again.', finished.sessionId)
    const problem = problemOf(second)
    if (problem !== null) return failed(`while it was away: ${problem}`)
    const back = await stack.until(({ overall }) => overall === 'ready', restartEndsMs)
    if (back === null) return failed('the client was answered, but the stack did not become ready again')
    return passed(
      `got the answer that had begun, ${describeRetries(finished)}; the next came ${second.retries === 0 ? 'at once' : describeRetries(second)}, within ${formatSeconds(second.result?.durationMs ?? 0)}`,
    )
  },
}

/** 2.1.332 itself refuses a prompt that it thinks too long: it ended after 0.8 s without a request (seen). */
const describeEarlyEnd = (run: ClaudeRun): string => {
  const problem = problemOf(run)
  return problem === null
    ? 'its client was answered before its request was seen at the Router'
    : `its client ended before its request was seen at the Router: ${problem}`
}

/**
 * Waits for this step's own request, not one of the step before: the first snapshot may be a second old, and a request whose
 * client left stays until llama-server releases it. A Router with no request of ours to finish is gone before the client
 * connects (seen: five attempts, and a step that passed by chance). If the Router does not report its requests, any busy
 * slot counts.
 */
const isServedSince =
  (sinceEpochMs: number, developer: string) =>
  ({ takenAt, requests, slots }: Snapshot): boolean => {
    if (takenAt < sinceEpochMs) return false
    if (requests === null) return (slots ?? []).some(({ phase }) => phase !== 'idle')
    return requests.some(
      (request) =>
        request.developer === developer && request.startedAt >= sinceEpochMs && request.admittedAt !== null,
    )
  }

const describeRetries = ({ retries }: ClaudeRun): string =>
  retries === 0 ? 'uncut' : `after ${retries} more attempts`

const requestBeginsMs = 180_000
const restartBeginsMs = 30_000
const restartEndsMs = 180_000

export const trySteps: readonly TryStep[] = [
  firstAnswer,
  wrongKey,
  twoDevelopers,
  usesItsTools,
  oneTooMany,
  outgrowsItsSlot,
  routerRestarts,
]
