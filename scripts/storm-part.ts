// What the storm's parts get, and what they do alike. A part returns its figures in one line.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../electron/core/base/error-message.ts'
import type { StateFolder } from '../electron/core/config/state-folder.ts'
import type { OwnStack } from './own-stack.ts'
import { listPids, readArgv } from './processes.ts'

export const shortSize = {
  // Kills in all, on so many stacks side by side, and when it stops all the same.
  kills: 40,
  lanes: 2,
  killsMs: 35_000,
  // Hostile inputs in all, the time for those through a core's doors, and for the flood of guests.
  inputs: 3_000,
  doorsMs: 25_000,
  floodMs: 5_000,
  // Load, its clients, and the hostile bodies before it.
  seconds: 15,
  clients: 6,
  bodies: 60,
}

export const longSize: typeof shortSize = {
  kills: 1_000,
  lanes: 3,
  killsMs: 3 * 3_600_000,
  inputs: 40_000,
  doorsMs: 3_600_000,
  floodMs: 35_000,
  seconds: 900,
  clients: 6,
  bodies: 3_000,
}

export interface StormPart {
  readonly root: string
  readonly seed: number
  readonly size: Readonly<typeof shortSize>
  readonly signal: AbortSignal
  /** Only this round or target; null: all. */
  readonly only: string | null
  /** Reports a failure. `which`: the round or target, as `--case PART:` takes it; null: it belongs to none. */
  readonly fail: (which: string | null, what: string, ...reasons: readonly string[]) => void
}

/** Reports an error of `use`, then keys in the stack's logs and command lines; removes the stack. */
export const onOwnStack = async (
  { folder, remove }: Pick<OwnStack, 'folder' | 'remove'>,
  fail: StormPart['fail'],
  use: (traces: Traces) => Promise<void>,
): Promise<void> => {
  const traces = createTraces(folder)
  try {
    await use(traces)
    const leaks = traces.findInFolder()
    if (leaks.length > 0) fail(null, 'logs and command lines', ...leaks)
  } catch (error) {
    fail(null, 'a stack of its own', messageOf(error))
  } finally {
    await remove()
  }
}

/** Searches output for keys and control characters, which must never appear. */
export interface Traces {
  /** Findings in a text for people or strangers, as sentences. */
  find(text: string, where: string): readonly string[]
  /** Only keys: for bytes that no terminal shows. */
  findKeys(text: string, where: string): readonly string[]
  /** The same for all logs and command lines. */
  findInFolder(): readonly string[]
}

/** C0 and C1 except tab, line feed and carriage return, and bidirectional controls (unicode.org/reports/tr9, 3.1). */
const obeyed = /(?![\t\n\r])[\p{Cc}\p{Bidi_Control}]/u

const findControl = (text: string, where: string): readonly string[] => {
  const found = obeyed.exec(text)
  if (found === null) return []
  const around = text.slice(Math.max(0, found.index - 30), found.index + 30)
  return [`${where} U+${found[0].charCodeAt(0).toString(16).padStart(4, '0')} in ${JSON.stringify(around)}`]
}

const readKeys = (keysDir: string): readonly string[] =>
  readdirSync(keysDir).flatMap((name) =>
    [...readFileSync(join(keysDir, name), 'utf8').matchAll(/sk-[A-Za-z0-9_-]{8,}/g)].map(([key]) => key),
  )

const createTraces = ({ keysDir, logsDir }: Pick<StateFolder, 'keysDir' | 'logsDir'>): Traces => {
  const findKeys = (text: string, where: string) => {
    // Read again: a round may have created new ones.
    const key = readKeys(keysDir).find((each) => text.includes(each))
    return key === undefined ? [] : [`${where} a key (${key.slice(0, 10)}...)`]
  }
  return {
    findKeys,
    find: (text, where) => [...findKeys(text, where), ...findControl(text, where)],
    findInFolder: () => [
      ...readdirSync(logsDir).flatMap((name) =>
        findKeys(readFileSync(join(logsDir, name), 'utf8'), `the log ${name} has`),
      ),
      ...listPids().flatMap((pid) =>
        findKeys(readArgv(pid)?.join(' ') ?? '', `the command line of pid ${pid} has`),
      ),
    ],
  }
}
