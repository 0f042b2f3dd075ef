// What the storm's parts get, and what they do alike. A part returns its figures in one line.
import { messageOf } from '../electron/core/base/error-message.ts'
import type { OwnStack } from './own-stack.ts'
import { createTraces, type Traces } from './storm-traces.ts'

export interface StormSize {
  /** Kills in all, on so many stacks side by side, and when it stops all the same. */
  readonly kills: number
  readonly lanes: number
  readonly killsMs: number
  /** Hostile inputs in all, the time for those through a core's doors, and for the flood of guests. */
  readonly inputs: number
  readonly doorsMs: number
  readonly floodMs: number
  /** Load, its clients, and the hostile bodies before it. */
  readonly seconds: number
  readonly clients: number
  readonly bodies: number
}

export interface StormPart {
  readonly root: string
  readonly seed: number
  readonly size: StormSize
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
