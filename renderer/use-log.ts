// Following a log: its tail first, then what is written from now on.
import { useEffect, useState } from 'react'
import type { LogId } from '../electron/contract/service-ids.ts'
import { nexus } from './bridge.ts'
import { appendLines, joinTail, type LogLine, mostLogLines } from './log-lines.ts'
import { useSnapshot } from './mirror.ts'
import { askLogTail } from './questions.ts'

export interface FollowedLog {
  readonly lines: readonly LogLine[]
  /** Why the tail is not among the lines; null when it is or is still awaited. */
  readonly failure: string | null
}

export const useLog = (log: LogId): FollowedLog => {
  const [lines, setLines] = useState<readonly LogLine[]>([])
  const [failure, setFailure] = useState<string | null>(null)
  // Another core has written lines before we followed it.
  const core = useSnapshot(({ owner }) => `${owner.pid} ${owner.since}`)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the tail is asked for anew when the core is another one
  useEffect(() => {
    let closed = false
    /** null once the tail is there: until then new lines wait, so that they stand behind it. */
    let early: string[] | null = []
    const end = nexus().onLogLines(log, (added) => {
      if (early === null) setLines((before) => appendLines(before, added))
      else early.push(...added)
    })
    /** What waited, from now on nothing does. */
    const release = (): readonly string[] => {
      const waited = early ?? []
      early = null
      return waited
    }
    askLogTail(log, mostLogLines).then(
      (tail) => {
        if (closed) return
        setLines(appendLines([], joinTail(tail, release())))
        setFailure(null)
      },
      (error: unknown) => {
        if (closed) return
        const waited = release()
        setLines((before) => appendLines(before, waited))
        setFailure(error instanceof Error ? error.message : String(error))
      },
    )
    return () => {
      closed = true
      end()
    }
  }, [log, core])
  return { lines, failure }
}
