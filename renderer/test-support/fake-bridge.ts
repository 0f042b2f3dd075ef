// Test support: a bridge in the page that shows sample states and records what the window asks for. Bundled and
// injected before the window's own script, as the preload script would.

import type { AppAction, AppState, Bridge } from '../../electron/contract/app.ts'
import type { Command, Outcome } from '../../electron/contract/command.ts'
import type { HistorySample } from '../../electron/contract/history.ts'
import type { View } from '../../electron/contract/notice.ts'
import type { Answers, Query } from '../../electron/contract/question.ts'
import type { LogId } from '../../electron/contract/service-ids.ts'
import { sampleAnswers } from './sample-answers.ts'
import { sampleHistory } from './sample-history.ts'
import { sampleStates } from './sample-states.ts'

export interface BridgeProbe {
  show(name: string): void
  showState(state: AppState): void
  showView(view: View): void
  addSample(sample: HistorySample): void
  addLogLines(log: LogId, lines: readonly string[]): void
  /** What the next questions for a log's tail are answered with; null: they fail. */
  answerTailWith(lines: readonly string[] | null): void
  /** What the settings say instead of the sample's. */
  changeSettings(part: Partial<Answers['settings']>): void
  /** The page's clock stands still from now on. */
  stopClock(): void
  /** Lets the page's clock jump. */
  passTime(ms: number): void
  /** What the next commands and actions are answered with. */
  answerWith(outcome: Outcome): void
  readonly commands: readonly Command[]
  readonly actions: readonly AppAction[]
  readonly questions: readonly Query['type'][]
}

declare global {
  interface Window {
    probe: BridgeProbe
  }
}

const createFakeBridge = (first: AppState): { readonly bridge: Bridge; readonly probe: BridgeProbe } => {
  let state = first
  let outcome: Outcome = { accepted: true }
  let tail: readonly string[] | null | undefined
  const stateListeners = new Set<(state: AppState) => void>()
  const historyListeners = new Set<(samples: readonly HistorySample[]) => void>()
  const viewListeners = new Set<(view: View) => void>()
  const lineListeners = new Map<LogId, Set<(lines: readonly string[]) => void>>()
  const commands: Command[] = []
  const actions: AppAction[] = []
  const questions: Query['type'][] = []
  let settings: Partial<Answers['settings']> = {}

  const runningMs = performance.now.bind(performance)
  let stoppedAtMs: number | null = null
  let passedMs = 0
  performance.now = () => (stoppedAtMs ?? runningMs()) + passedMs

  const listen = <T>(listeners: Set<T>, listener: T) => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }
  const linesOf = (log: LogId) => {
    const listeners = lineListeners.get(log) ?? new Set()
    lineListeners.set(log, listeners)
    return listeners
  }
  const showState = (next: AppState) => {
    // As the real bridge does, which copies everything.
    state = JSON.parse(JSON.stringify(next))
    for (const listener of stateListeners) listener(state)
  }

  const bridge: Bridge = {
    onState: (listener) => {
      listener(state)
      return listen(stateListeners, listener)
    },
    onHistory: (listener) => {
      listener(sampleHistory)
      return listen(historyListeners, listener)
    },
    onLogLines: (log, listener) => listen(linesOf(log), listener),
    onView: (listener) => listen(viewListeners, listener),
    dispatch: async (command) => {
      commands.push(command)
      return outcome
    },
    ask: async <T extends Query['type']>(query: Extract<Query, { type: T }>): Promise<Answers[T]> => {
      questions.push(query.type)
      if (query.type === 'logTail' && tail === null) throw new Error('the log cannot be opened')
      const answers = sampleAnswers(state)
      return {
        ...answers,
        settings: { ...answers.settings, ...settings },
        logTail: tail ?? answers.logTail,
      }[query.type]
    },
    act: async (action) => {
      actions.push(action)
      return outcome
    },
  }
  const probe: BridgeProbe = {
    show: (name) => {
      const found = Object.entries(sampleStates).find(([key]) => key === name)
      if (found === undefined) throw new Error(`no sample state is called ${name}`)
      showState(found[1])
    },
    showState,
    showView: (view) => {
      for (const listener of viewListeners) listener(view)
    },
    addSample: (sample) => {
      for (const listener of historyListeners) listener([sample])
    },
    addLogLines: (log, lines) => {
      for (const listener of linesOf(log)) listener(lines)
    },
    answerTailWith: (lines) => {
      tail = lines
    },
    changeSettings: (part) => {
      settings = part
    },
    stopClock: () => {
      stoppedAtMs = runningMs()
    },
    passTime: (ms) => {
      passedMs += ms
    },
    answerWith: (next) => {
      outcome = next
    },
    commands,
    actions,
    questions,
  }
  return { bridge, probe }
}

const { bridge, probe } = createFakeBridge(sampleStates.busy)
Object.defineProperty(window, 'nexus', { value: bridge })
window.probe = probe
