// An imitated launchctl for tests, whose jobs are real processes of this machine. Exit status as in the recordings of
// launchd/print-text and public reports: 113 not loaded, 112 and 125 no domain (recorded), 5 already loaded or refused
// (recorded), 3 bootout of an unknown job (recorded).
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { z } from 'zod'
import type { RunCommand } from '../../platform/run-command.ts'
import { parsePlist } from '../../platform/test-support/mac-plist.ts'
import { exited } from './probes.ts'

const PlistSchema = z.object({
  Label: z.string(),
  ProgramArguments: z.array(z.string()),
  StandardOutPath: z.string(),
})

export interface TestLaunchctl {
  readonly run: RunCommand
  /** Every command so far, its arguments joined by blanks. */
  readonly journal: readonly string[]
  /** Set in the environment of the jobs and their children. */
  readonly mark: string
  /** Targets of the loaded jobs. */
  loaded(): readonly string[]
}

export interface TestLaunchctlOptions {
  /** Overrides the answer; null: the imitation's own. */
  readonly instead?: (argv: readonly string[]) => ReturnType<RunCommand> | null
  /** No user is logged in at the screen. */
  readonly isHeadless?: boolean
  /** A job's children end with it, whatever their session: macOS 27 with a coalition (tmux/tmux#5465). */
  readonly endsChildren?: boolean
  /** Assumed: a quarantined plist is refused (BlockBlock#106 reports it for macOS 27). */
  readonly refusesQuarantine?: boolean
  /** Attempts to bootstrap that fail with 5 right after a bootout, while it drains (headroom#1289: 5 s). */
  readonly drainingAttempts?: number
}

interface Job {
  readonly path: string
  pid: number | null
  logPath: string
}

export const createTestLaunchctl = (options: TestLaunchctlOptions = {}): TestLaunchctl => {
  const mark = `NEXUS_TEST_JOB=${randomUUID()}`
  const jobs = new Map<string, Job>()
  const journal: string[] = []
  const quarantined = new Set<string>()
  let draining = 0

  const start = (job: Job) => {
    const plist = PlistSchema.parse(parsePlist(readFileSync(job.path, 'utf8')))
    const [program = '', ...args] = plist.ProgramArguments
    job.logPath = plist.StandardOutPath
    const fd = openSync(job.logPath, 'a')
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', fd, fd],
      env: { PATH: process.env['PATH'], NEXUS_TEST_JOB: mark.slice(mark.indexOf('=') + 1) },
    })
    closeSync(fd)
    job.pid = child.pid ?? null
    child.once('exit', () => {
      if (job.pid === child.pid) job.pid = null
    })
  }
  const end = async (job: Job, signal: NodeJS.Signals) => {
    const { pid } = job
    if (options.endsChildren === true)
      for (const child of listPids(job.logPath)) attempt(() => process.kill(child, 'SIGKILL'))
    if (pid === null) return
    attempt(() => process.kill(pid, signal))
    while (job.pid === pid) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  const answer: RunCommand = async ([, verb = '', ...words]) => {
    const target = words.at(-1) ?? ''
    const domain = verb === 'bootstrap' ? (words[0] ?? '') : target.slice(0, target.lastIndexOf('/'))
    // print-no-gui-exit112.txt
    if (domain === 'gui/99999' || (options.isHeadless === true && domain.startsWith('gui/')))
      return exited('', 112, `Bad request.\nCould not find domain for user gui: ${domain.slice(4)}\n`)
    const job = jobs.get(target)
    switch (verb) {
      case 'print':
        // print-not-loaded-gui-113.txt, print-gui-running-keepalive-macos27.txt
        return job === undefined
          ? exited('', 113, `Bad request.\nCould not find service "${target}" in domain for user gui: 501\n`)
          : exited(
              `${target} = {\n\tactive count = 1\n\tpath = ${job.path}\n\ttype = LaunchAgent\n\tstate = ${job.pid === null ? 'not running' : 'running'}\n\n${job.pid === null ? '' : `\tpid = ${job.pid}\n`}\n\tresource coalition = {\n\t\tID = 1140\n\t\ttype = resource\n\t\tstate = active\n\t}\n}\n`,
            )
      case 'bootstrap': {
        const path = words[1] ?? ''
        const label = PlistSchema.parse(parsePlist(readFileSync(path, 'utf8'))).Label
        const isRefused =
          (statSync(path).mode & 0o022) !== 0 ||
          (options.refusesQuarantine === true && quarantined.has(path)) ||
          jobs.has(`${domain}/${label}`)
        draining -= draining > 0 ? 1 : 0
        // bootstrap-error5-macos11.txt
        if (isRefused || draining > 0) return exited('', 5, 'Bootstrap failed: 5: Input/output error\n')
        const added: Job = { path, pid: null, logPath: '' }
        jobs.set(`${domain}/${label}`, added)
        start(added)
        return exited('')
      }
      case 'bootout':
        // bootout of an unknown service exits 3 (README of the recordings).
        if (job === undefined) return exited('', 3, 'Boot-out failed: 3: No such process\n')
        jobs.delete(target)
        await end(job, 'SIGTERM')
        draining = options.drainingAttempts ?? 0
        return exited('')
      case 'kill':
        if (job === undefined) return exited('', 3, 'No such process\n')
        await end(job, words[0] === 'SIGKILL' ? 'SIGKILL' : 'SIGTERM')
        return exited('')
      case 'kickstart':
        if (job === undefined) return exited('', 3, 'No such process\n')
        await end(job, 'SIGKILL')
        start(job)
        return exited('')
      default:
        return exited('', 64, `${verb}: not imitated\n`)
    }
  }

  return {
    journal,
    mark,
    loaded: () => [...jobs.keys()],
    run: async (argv) => {
      journal.push(argv.join(' '))
      const other = await options.instead?.(argv)
      if (other !== undefined && other !== null) return other
      switch (argv[0]) {
        case 'launchctl':
          return answer(argv)
        case 'xattr':
          quarantined.add(argv.at(-1) ?? '')
          return exited('')
        case 'sw_vers':
          // Made up, in the format of the recordings.
          return exited('ProductName:\t\tmacOS\nProductVersion:\t\t26.9\nBuildVersion:\t\t25Z1\n')
        default:
          return { kind: 'not-run', reason: `unexpected ${argv[0]}` }
      }
    },
  }
}

const listPids = (logPath: string): readonly number[] =>
  [...readFileSync(logPath, 'utf8').matchAll(/^(\d+)$/gm)].map(([, pid]) => Number(pid))

const attempt = (work: () => void): void => {
  try {
    work()
  } catch {
    // It has already exited.
  }
}
