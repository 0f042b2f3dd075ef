// Follows a log: first its tail, then new lines.
import { useEffect, useState } from 'react'
import type { LogId } from '../electron/contract/service-ids.ts'
import { appendLines, joinTail, type LogLine, mostLogLines } from './log-lines.ts'
import { useSnapshot } from './mirror.ts'
import { askLogTail } from './questions.ts'

export interface FollowedLog {
  readonly lines: readonly LogLine[]
  /** Why the tail is missing; null when it is there or pending. */
  readonly failure: string | null
}

export const useLog = (log: LogId): FollowedLog => {
  const [lines, setLines] = useState<readonly LogLine[]>([])
  const [failure, setFailure] = useState<string | null>(null)
  // A new core has written lines before we followed it.
  const core = useSnapshot(({ owner }) => `${owner.pid} ${owner.since}`)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new core needs its tail read again
  useEffect(() => {
    let closed = false
    /** New lines that wait for the tail, to come after it; null once the tail is there. */
    let early: string[] | null = []
    const end = window.nexus.onLogLines(log, (added) => {
      if (early === null) setLines((before) => appendLines(before, added))
      else early.push(...added)
    })
    /** Returns the waiting lines and stops collecting. */
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
