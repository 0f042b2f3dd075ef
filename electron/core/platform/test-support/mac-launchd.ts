// Stands in for launchctl on a pretended Mac. It keeps jobs between its calls and really starts what their plists name, ends
// what it is said to end, and answers what a Mac was seen to answer: beside each line stands its source, a recording
// (fixtures/launchctl), a manual page, a public report, or "assumed".
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type PlistValue, parsePlist } from './mac-plist.ts'
import { print, type Reply, refuse } from './mac-reply.ts'
import type { TestJob, TestLaunchdState, TestMacState } from './mac-state.ts'

export const freshLaunchd: TestLaunchdState = {
  guiAsid: 100020,
  userAsid: 100008,
  disabled: [],
  putsOffSpawns: false,
  drainMs: 0,
  bootoutTakesAll: false,
}

export const madeUpJob = (path: string, pid: number): TestJob => ({
  path,
  madeUpPid: pid,
  plist: {},
  runs: 1,
  filesAt: '',
  freeAtMs: null,
})

// --- Processes ------------------------------------------------------------------------------------------------------

const waitBuffer = new Int32Array(new SharedArrayBuffer(4))
const pauseMs = (ms: number): void => void Atomics.wait(waitBuffer, 0, 0, ms)

const readNumber = (path: string): number | null => {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return text === '' ? null : Number(text)
  } catch {
    return null
  }
}

/** A zombie has ended: only its parent has not asked yet. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
  } catch {
    return existsSync(`/proc/${pid}`)
  }
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

const untilEnded = (pid: number, ms: number): boolean => {
  for (const deadline = Date.now() + ms; Date.now() < deadline; pauseMs(5)) if (!isAlive(pid)) return true
  return !isAlive(pid)
}

const filesOf = ({ filesAt, runs }: TestJob): string => `${filesAt}.${runs}`

const pidOf = (job: TestJob): number | null => {
  if (job.madeUpPid !== null) return job.madeUpPid
  if (job.runs === 0) return null
  const pid = readNumber(`${filesOf(job)}.pid`)
  return pid !== null && isAlive(pid) ? pid : null
}

/**
 * A shell waits for the job's process and writes down how it ended. With a process group of its own for it (set -m), as
 * launchd gives each job. The shell's own words go nowhere.
 */
const starter =
  'exec 3>&2 2>/dev/null; set -m; "$@" 2>&3 3>&- & echo $! >"$0.tmp"; mv "$0.tmp" "$0.pid"; wait $!; echo $? >"$0.exit"'

const stringsOf = (value: PlistValue | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((word) => typeof word === 'string') : []

const environmentOf = (value: PlistValue | undefined): Record<string, string> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]))
    : {}

/** Recorded (print-gui-running-keepalive-macos27): PATH is launchd's default, and these two are added. */
const fullEnvironment = (job: TestJob): Record<string, string> => ({
  PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
  OSLogRateLimit: '64',
  XPC_SERVICE_NAME: String(job.plist['Label']),
  ...environmentOf(job.plist['EnvironmentVariables']),
})

/** Marks all that the job starts, as a coalition does: it is inherited, with or without setsid. */
const coalitionMark = ({ filesAt }: TestJob): string => `NEXUS_TEST_COALITION=${filesAt}`

const spawnJob = (job: TestJob): void => {
  job.runs += 1
  const files = filesOf(job)
  const logPath = job.plist['StandardErrorPath']
  const log = typeof logPath === 'string' ? openSync(logPath, 'a', 0o600) : 'ignore'
  const [name = '', value = ''] = coalitionMark(job).split('=')
  const child = spawn('/bin/bash', ['-c', starter, files, ...stringsOf(job.plist['ProgramArguments'])], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...fullEnvironment(job), [name]: value },
    cwd: '/',
  })
  child.unref()
  if (typeof log === 'number') closeSync(log)
  const deadline = Date.now() + 10_000
  while (readNumber(`${files}.pid`) === null && Date.now() < deadline) pauseMs(2)
}

const listCoalition = (job: TestJob): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(coalitionMark(job))
      } catch {
        return false
      }
    })
    .map(Number)

/** launchd.plist(5): without AbandonProcessGroup, what is left of the job's process group is killed when the job ends. */
const killGroup = (job: TestJob, pid: number): void => {
  if (job.plist['AbandonProcessGroup'] !== true) signal(-pid, 'SIGKILL')
}

/** launchd.plist(5), ExitTimeOut: SIGTERM, and SIGKILL when it goes on; 5 s by default (recorded: `exit timeout = 5`). */
const endProcessOf = (job: TestJob): void => {
  const pid = job.madeUpPid === null ? pidOf(job) : null
  if (pid === null) return
  signal(pid, 'SIGTERM')
  if (!untilEnded(pid, Number(job.plist['ExitTimeOut'] ?? 5) * 1000)) signal(pid, 'SIGKILL')
  untilEnded(pid, 5_000)
  killGroup(job, pid)
}

// --- Domains --------------------------------------------------------------------------------------------------------

/** Recorded, on stderr with status 112 (print-no-gui-exit112). */
const noDomainToPrint = refuse(112, 'Bad request.\nCould not find domain for user gui: 501\n')
/** Public reports of bootstrap over SSH (opencodex#1770 and many others). */
const noDomainFor = (verb: string): Reply =>
  refuse(125, `${verb} failed: 125: Domain does not support specified action\n`)

const isMissingDomain = (state: TestMacState, target: string): boolean =>
  target.startsWith('gui/') && !state.guiSession

const labelOf = (target: string): string => target.split('/').at(-1) ?? ''
const domainOf = (target: string): string => target.split('/').slice(0, -1).join('/')

/** `system`, `gui/501`, `user/501`: a target without a label. */
const isDomain = (target: string): boolean =>
  target === 'system' || (target.split('/').length === 2 && !target.startsWith('system/'))

const sayDomain = (domain: string): string =>
  domain === 'system'
    ? 'system'
    : `user ${domain.split('/')[0]}: ${domain.split('/')[1]}`.replace('user user', 'user')

/** Recorded, on stderr with status 113 (print-not-loaded-gui-113). */
const notLoaded = (target: string): Reply =>
  refuse(
    113,
    `Bad request.\nCould not find service "${labelOf(target)}" in domain for ${sayDomain(domainOf(target))}\n`,
  )

/** null when it is not loaded, or no longer since its bootout. */
const jobAt = (state: TestMacState, target: string): TestJob | null => {
  const job = state.jobs[target]
  if (job === undefined) return null
  return job.freeAtMs !== null && pidOf(job) === null && Date.now() >= job.freeAtMs ? null : job
}

const asidOf = ({ launchd }: TestMacState, domain: string): number | null => {
  if (domain.startsWith('gui/')) return launchd.guiAsid
  return domain.startsWith('user/') ? launchd.userAsid : null
}

/** The head of a domain's print: public pastes (gui/501 of macOS 26; user/2001 of 26.6.2; system with asid 0). */
const printDomain = (state: TestMacState, domain: string): Reply => {
  if (isMissingDomain(state, domain)) return noDomainToPrint
  const asid = asidOf(state, domain) ?? 0
  const [kind = '', uid] = domain.split('/')
  const type = { gui: 'login', user: 'user' }[kind] ?? 'system'
  const session = { gui: 'Aqua', user: 'Background' }[kind] ?? 'System'
  const user = uid === undefined ? '\t\tuid unset' : `\t\tuid = ${uid}`
  return print(
    `${domain} = {\n\ttype = ${type}\n\thandle = ${asid}\n\tactive count = 450\n\tsession = ${session}\n\tsecurity context = {\n${user}\n\t\tasid = ${asid}\n\t}\n\n\tservices = {\n\t\t       0      -     com.apple.example\n\t}\n}\n`,
  )
}

// --- Verbs ----------------------------------------------------------------------------------------------------------

const signalNames: Readonly<Record<number, string>> = {
  // Recorded (print-running-abbreviated-2026).
  15: 'Terminated: 15',
  // Public pastes: "last terminating signal = Killed: 9".
  9: 'Killed: 9',
}

/** bash adds 128 to a signal's number (bash(1), EXIT STATUS). */
const sayExit = (job: TestJob): string => {
  const status = job.runs === 0 ? null : readNumber(`${filesOf(job)}.exit`)
  // Recorded (print-gui-loaded-never-run-macos27).
  if (status === null) return 'last exit code = (never exited)'
  return status > 128
    ? `last terminating signal = ${signalNames[status - 128] ?? `Signal ${status - 128}: ${status - 128}`}`
    : `last exit code = ${status}`
}

/** The lines and their order are those of print-gui-running-keepalive-macos27, shortened. */
export const printJob = (state: TestMacState, args: readonly string[]): Reply => {
  const target = args.at(-1) ?? ''
  if (isDomain(target)) return printDomain(state, target)
  if (isMissingDomain(state, target)) return noDomainToPrint
  const job = jobAt(state, target)
  if (job === null) return notLoaded(target)
  const pid = pidOf(job)
  if (pid === null) untilWrittenDown(job)
  const domain = domainOf(target)
  const asid = asidOf(state, domain)
  const words = stringsOf(job.plist['ProgramArguments'])
  const lines = [
    `active count = ${pid === null ? 0 : 1}`,
    `path = ${job.path}`,
    'type = LaunchAgent',
    // Recorded: these two. A job that KeepAlive will start again is "spawn scheduled".
    `state = ${pid === null ? 'not running' : 'running'}`,
    '',
    `program = ${words[0] ?? ''}`,
    'arguments = {',
    ...words.map((word) => `\t${word}`),
    '}',
    '',
    'environment = {',
    ...Object.entries(job.madeUpPid === null ? fullEnvironment(job) : {}).map(
      ([name, value]) => `\t${name} => ${value}`,
    ),
    '}',
    '',
    asid === null || domain.startsWith('user/') ? `domain = ${domain}` : `domain = ${domain} [${asid}]`,
    ...(asid === null ? [] : [`asid = ${asid}`]),
    'minimum runtime = 10',
    `exit timeout = ${job.plist['ExitTimeOut'] ?? 5}`,
    `runs = ${job.runs}`,
    // liby/dotfiles#28.
    ...(job.runs === 0 ? ['pended nondemand spawn = speculative'] : []),
    ...(pid === null ? [] : [`pid = ${pid}`]),
    sayExit(job),
    '',
    'resource coalition = {',
    '\tID = 1140',
    '\ttype = resource',
    '\tstate = active',
    '}',
    '',
    'properties = runatload | inferred program',
  ]
  return print(`${target} = {\n${lines.map((line) => (line === '' ? '' : `\t${line}`)).join('\n')}\n}\n`)
}

/** The shell that waits for the process is a moment behind its end. */
const untilWrittenDown = (job: TestJob): void => {
  if (job.runs === 0 || job.madeUpPid !== null) return
  const deadline = Date.now() + 2_000
  while (!existsSync(`${filesOf(job)}.exit`) && Date.now() < deadline) pauseMs(5)
}

/** Recorded (bootstrap-error5-macos-m1), with status 5. */
const bootstrapRefused = refuse(
  5,
  'Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.\n',
)

export const bootstrapJob = (state: TestMacState, args: readonly string[]): Reply => {
  const [, domain = '', path = ''] = args
  if (isMissingDomain(state, domain)) return noDomainFor('Bootstrap')
  // Assumed: 5 for a file that is not there.
  if (!existsSync(path)) return bootstrapRefused
  // Others must not be able to change it; the number and words are assumed.
  if ((statSync(path).mode & 0o022) !== 0)
    return refuse(122, 'Bootstrap failed: 122: Path had bad ownership/permissions\n')
  const plist = parsePlist(readFileSync(path, 'utf8'))
  if (typeof plist !== 'object' || Array.isArray(plist) || !('Label' in plist)) return bootstrapRefused
  const target = `${domain}/${String(plist['Label'])}`
  // Public reports (lima socket_vmnet and others).
  if (state.launchd.disabled.includes(target))
    return refuse(119, 'Bootstrap failed: 119: Service is disabled\n')
  // hermes#30352, nix-apple-container#8: a session type that the plist does not allow; without the key it is Aqua
  // (launchd.plist(5)).
  const allowed = 'LimitLoadToSessionType' in plist ? stringsOf(plist['LimitLoadToSessionType']) : ['Aqua']
  const session = domain.startsWith('gui/') ? 'Aqua' : 'Background'
  if (domain !== 'system' && !allowed.includes(session)) return bootstrapRefused
  // Loaded already, or still draining after a bootout (headroom#1289).
  if (jobAt(state, target) !== null) return bootstrapRefused
  const dir = join(dirname(state.volumesFolder), 'launchd')
  mkdirSync(dir, { recursive: true })
  const job: TestJob = {
    path,
    madeUpPid: null,
    plist: { ...plist },
    runs: 0,
    filesAt: join(dir, `${target.replaceAll('/', '_')}-${readdirSync(dir).length}`),
    freeAtMs: null,
  }
  state.jobs[target] = job
  if (plist['RunAtLoad'] === true && !state.launchd.putsOffSpawns) spawnJob(job)
  // Silent (launchctl(1) says nothing of output; brew services shows none).
  return print('')
}

/** Answers before the label is free, as launchd does. */
export const bootoutJob = (state: TestMacState, args: readonly string[]): Reply => {
  const target = args[1] ?? ''
  if (isMissingDomain(state, target)) return noDomainFor('Boot-out')
  const job = jobAt(state, target)
  // Public reports, with status 3.
  if (job === null) return refuse(3, 'Boot-out failed: 3: No such process\n')
  // Public reports, with status 36.
  if (job.freeAtMs !== null) return refuse(36, 'Boot-out failed: 36: Operation now in progress\n')
  endProcessOf(job)
  if (state.launchd.bootoutTakesAll) for (const pid of listCoalition(job)) signal(pid, 'SIGKILL')
  if (state.launchd.drainMs === 0) delete state.jobs[target]
  else job.freeAtMs = Date.now() + state.launchd.drainMs
  return print('')
}

/** launchctl(1): `-k` kills a running instance first, `-p` prints the pid. Silent otherwise; all else assumed. */
export const kickstartJob = (state: TestMacState, args: readonly string[]): Reply => {
  const target = args.at(-1) ?? ''
  if (isMissingDomain(state, target)) return noDomainToPrint
  const job = jobAt(state, target)
  if (job === null) return notLoaded(target)
  // Assumed: what bootout says meanwhile.
  if (job.freeAtMs !== null) return refuse(36, 'Could not kickstart service: 36: Operation now in progress\n')
  if (args.includes('-k')) endProcessOf(job)
  if (pidOf(job) === null) spawnJob(job)
  return print(args.includes('-p') ? `service spawned with pid: ${pidOf(job)}\n` : '')
}

/** launchctl(1), "kill": sends a signal; status 3 without a process is assumed. */
export const killJob = (state: TestMacState, args: readonly string[]): Reply => {
  const [, name = '', target = ''] = args
  const job = jobAt(state, target)
  if (job === null) return notLoaded(target)
  const pid = pidOf(job)
  if (pid === null) return refuse(3, 'Could not signal service: 3: No such process\n')
  if (name === 'SIGTERM' || name === 'SIGKILL') signal(pid, name)
  return print('')
}

/** Public reports: Aqua at the screen, Background over SSH, System for a daemon. */
export const nameManager = ({ guiSession }: TestMacState): Reply =>
  print(guiSession ? 'Aqua\n' : 'Background\n')

/** launchctl(1): remembered beyond the job, and silent. */
export const enableJob = ({ launchd }: TestMacState, args: readonly string[]): Reply => {
  launchd.disabled = launchd.disabled.filter((target) => target !== args[1])
  return print('')
}

export const disableJob = ({ launchd }: TestMacState, args: readonly string[]): Reply => {
  if (args[1] !== undefined) launchd.disabled.push(args[1])
  return print('')
}

// --- What happens to a Mac ------------------------------------------------------------------------------------------

/** The gui domain goes with its jobs; what they started in sessions of their own lives on (codex#36696, orca#9826). */
export const logOut = (state: TestMacState): void => {
  for (const [target, job] of Object.entries(state.jobs)) {
    if (!target.startsWith('gui/')) continue
    endProcessOf(job)
    delete state.jobs[target]
  }
  state.guiSession = false
}

/** Each login has an audit session of its own, numbered upwards. */
export const logIn = (state: TestMacState): void => {
  state.guiSession = true
  state.launchd.guiAsid += 3
}

/** Ends every process of every job and all that they started: for the end of a test. */
export const endAllJobs = ({ jobs }: TestMacState): void => {
  for (const job of Object.values(jobs))
    if (job.madeUpPid === null) for (const pid of listCoalition(job)) signal(pid, 'SIGKILL')
}
