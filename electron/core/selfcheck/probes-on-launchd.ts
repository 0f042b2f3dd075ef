// Probes on launchd, with harmless jobs: what lives on when a job ends, and which plists are taken.
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { quoteForShell } from '../../wording/shell-quote.ts'
import type { ProcessIdentity } from '../platform/platform.ts'
import { describeFailure } from '../platform/run-command.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import type { SelfcheckContext } from './context.ts'
import {
  bootstrapJob,
  chooseDomain,
  type JobPlace,
  pidOf,
  readJob,
  removeJob,
  targetOf,
  tryBootstrap,
  writeJobPlist,
} from './launchd-job.ts'
import { type Finding, fail, type Probe, type ProbeTools, pass } from './probe.ts'
import { endSleepers, sleepSeconds, starterScript } from './sleeping-child.ts'
import { selfcheckLabel } from './started-from.ts'
import { readSoftwareVersion } from './system-facts.ts'

const quickMs = 15_000
const jobLimitMs = 40_000
const lookMs = 50
/** Longer than the 10 s that launchd waits by default, should it take no notice of a smaller ThrottleInterval. */
const newPidWithinMs = 14_000

interface StartedJob extends JobPlace {
  readonly plistPath: string
  /** Where the starter writes the pid of each child. */
  readonly logPath: string
  readonly child: ProcessIdentity
}

/** macOS ends the rest of a coalition after the job, not with it (tmux/tmux#5465: "killing coalition pid"). */
const usualSettleMs = 1_500

export const probesOnLaunchd = (context: SelfcheckContext, settleMs = usualSettleMs): readonly Probe[] => {
  if (context.platformId !== 'darwin') return []
  const { uid } = context

  const planJob = async (name: string, tools: ProbeTools) => {
    const domain = await chooseDomain(tools.run, uid)
    const label = `${selfcheckLabel}.${process.pid}.${name}`
    const place: JobPlace = { domain, label }
    // With a blank: the state folder of the product has one, "Application Support".
    const folder = join(context.workDir, 'launchd jobs')
    const plistPath = join(folder, `${label}.plist`)
    const logPath = join(folder, `${name}.out`)
    writeJobPlist(plistPath, {
      label,
      argv: [context.nodePath, '-e', starterScript, String(sleepSeconds), name === 'exit' ? 'exit' : 'stay'],
      env: {},
      logPath,
      lifetime: 'once',
      userName: null,
    })
    // Later than the job, which may have been started more than once.
    tools.defer({
      what: `processes named in ${logPath} (sleep ${sleepSeconds})`,
      command: `kill $(cat ${quoteForShell(logPath)})`,
      undo: () => endSleepers(listPids(logPath), context.createPlatform(tools.run).processes),
    })
    tools.defer({
      what: `the launchd job ${targetOf(place)}`,
      command: `launchctl bootout ${targetOf(place)}`,
      undo: () => removeJob(tools.run, place),
    })
    return { ...place, plistPath, logPath }
  }

  /** The job's child is a `sleep` in a session of its own, as the core's servers are. */
  const startJob = async (name: string, tools: ProbeTools): Promise<StartedJob> => {
    const planned = await planJob(name, tools)
    await bootstrapJob(tools.run, planned.domain, planned.plistPath)
    const { processes } = context.createPlatform(tools.run)
    for (;;) {
      const [pid] = listPids(planned.logPath)
      if (pid !== undefined) {
        const child = await processes.readIdentity(pid)
        if (child === null) throw new Error(`the child ${pid} of the job is not in the process table`)
        return { ...planned, child }
      }
      await pause(lookMs, undefined, { signal: tools.signal })
    }
  }

  const livesOn = async ({ child }: StartedJob, tools: ProbeTools): Promise<boolean> => {
    const { processes } = context.createPlatform(tools.run)
    const deadline = performance.now() + settleMs
    for (;;) {
      if (!(await isSameProcess(child, processes))) return false
      if (performance.now() > deadline) return true
      await pause(lookMs, undefined, { signal: tools.signal })
    }
  }

  const untilEnded = async (job: StartedJob, tools: ProbeTools): Promise<void> => {
    for (;;) {
      if (pidOf(await readJob(tools.run, job)) === null) return
      await pause(lookMs, undefined, { signal: tools.signal })
    }
  }

  const probeOnEnd = (
    name: string,
    assumed: string,
    end: (job: StartedJob, tools: ProbeTools) => Promise<string>,
    judge: (isAlive: boolean) => Finding['verdict'],
  ): Probe => ({
    id: `launchd.child-${name}`,
    group: 'launchd',
    assumed,
    limitMs: jobLimitMs,
    run: async (tools) => {
      const job = await startJob(name, tools)
      const how = await end(job, tools)
      const isAlive = await livesOn(job, tools)
      return {
        verdict: judge(isAlive),
        found: `in ${job.domain}, ${how}: the child ${isAlive ? 'lives on' : 'ended too'}`,
      }
    },
  })
  const mustLive = (isAlive: boolean) => (isAlive ? 'pass' : 'fail')

  return [
    {
      id: 'launchd.session',
      group: 'launchd',
      assumed: 'launchctl says which session this is',
      limitMs: quickMs,
      run: async ({ run }) => {
        const result = await run(['launchctl', 'managername'])
        const said = result.kind === 'exited' ? result.stdout.trim() : ''
        return /^(Aqua|Background|System|LoginWindow|StandardIO)$/.test(said)
          ? pass(said)
          : fail(`launchctl managername: ${describeFailure(result)}`)
      },
    },
    {
      id: 'launchd.domains',
      group: 'launchd',
      assumed: 'a label that is not loaded gives 113, and a user who is not there 112 or 125',
      limitMs: quickMs,
      run: async ({ run }) => {
        const label = `${selfcheckLabel}.none`
        const kinds = {
          gui: await readJob(run, { domain: `gui/${uid}`, label }),
          user: await readJob(run, { domain: `user/${uid}`, label }),
          system: await readJob(run, { domain: 'system', label }),
          stranger: await readJob(run, { domain: 'gui/99999', label }),
        }
        const said = Object.entries(kinds)
          .map(([name, found]) => `${name}: ${found.kind === 'unknown' ? found.reason : found.kind}`)
          .join('; ')
        const isKnown =
          (kinds.gui.kind === 'not-loaded' || kinds.gui.kind === 'no-domain') &&
          kinds.user.kind === 'not-loaded' &&
          kinds.system.kind === 'not-loaded' &&
          kinds.stranger.kind === 'no-domain'
        return isKnown ? pass(said) : fail(said)
      },
    },
    {
      id: 'launchd.bootstrap',
      group: 'launchd',
      assumed:
        'a plist of mode 0600 outside LaunchAgents, with a blank in its path, is loaded, and its job has a coalition of its own',
      limitMs: jobLimitMs,
      run: async (tools) => {
        const job = await startJob('bootstrap', tools)
        const found = await readJob(tools.run, job)
        if (found.kind !== 'loaded' || found.job === null || found.job.pid === null)
          return fail(`loaded in ${job.domain}, but read as ${JSON.stringify(found)}`)
        const own = await readOwnCoalition(context, tools)
        const { pid, state, coalitionId } = found.job
        const said = `${job.domain}, pid ${pid}, ${state}, coalition ${coalitionId ?? 'unknown'}; ours ${own ?? 'unknown'}`
        return coalitionId !== null && coalitionId === own
          ? fail(`${said}: the job ends with what started it`)
          : pass(said)
      },
    },
    {
      id: 'launchd.duplicate',
      group: 'launchd',
      assumed: 'the same label a second time is refused with error 5, and the job runs on',
      limitMs: jobLimitMs,
      run: async (tools) => {
        const job = await startJob('duplicate', tools)
        const before = pidOf(await readJob(tools.run, job))
        const result = await tryBootstrap(tools.run, job.domain, job.plistPath)
        const after = await readJob(tools.run, job)
        const isSame = before !== null && before === pidOf(after)
        const code = result.kind === 'exited' ? result.exitCode : null
        const said = `exit status ${code ?? describeFailure(result)}, the job ${isSame ? 'runs on' : `is ${JSON.stringify(after)}`}`
        return code === 5 && isSame ? pass(said) : fail(said)
      },
    },
    probeOnEnd(
      'exit',
      'a child in a session of its own lives on when its job exits with 0 (AbandonProcessGroup)',
      async (job, tools) => {
        await untilEnded(job, tools)
        return 'exit 0'
      },
      mustLive,
    ),
    ...(['SIGTERM', 'SIGKILL'] as const).map((signal) =>
      probeOnEnd(
        signal.toLowerCase(),
        `a child in a session of its own lives on when its job is ended by ${signal}`,
        async (job, tools) => {
          await tools.run(['launchctl', 'kill', signal, targetOf(job)])
          await untilEnded(job, tools)
          return signal
        },
        mustLive,
      ),
    ),
    probeOnEnd(
      'kickstart',
      'a child in a session of its own lives on when its job is replaced by kickstart -k',
      async (job, tools) => {
        const before = pidOf(await readJob(tools.run, job))
        const began = performance.now()
        await tools.run(['launchctl', 'kickstart', '-k', targetOf(job)], { timeoutMs: newPidWithinMs })
        for (;;) {
          const now = pidOf(await readJob(tools.run, job))
          const elapsedMs = performance.now() - began
          // Its child must be written down first, or nothing could end it.
          if (now !== null && now !== before && listPids(job.logPath).length > 1)
            return `kickstart -k, a new pid after ${Math.round(elapsedMs)} ms`
          if (elapsedMs > newPidWithinMs) return 'kickstart -k, no new pid'
          await pause(lookMs, undefined, { signal: tools.signal })
        }
      },
      mustLive,
    ),
    probeOnEnd(
      'bootout',
      'nothing: reports conflict on what bootout does to children, so it is never done while servers live',
      async (job, tools) => {
        await removeJob(tools.run, job)
        return 'bootout'
      },
      () => 'pass',
    ),
    {
      id: 'launchd.again',
      group: 'launchd',
      assumed: 'after a bootout the same label can be loaded again within 15 s',
      limitMs: jobLimitMs,
      run: async (tools) => {
        const job = await startJob('again', tools)
        const began = performance.now()
        // As it is on the machine: without waiting for the job to be gone.
        await tools.run(['launchctl', 'bootout', targetOf(job)])
        for (let attempts = 1; ; attempts += 1) {
          const result = await tryBootstrap(tools.run, job.domain, job.plistPath)
          const elapsedMs = performance.now() - began
          if (result.kind === 'exited' && result.exitCode === 0) {
            while (listPids(job.logPath).length < 2) await pause(lookMs, undefined, { signal: tools.signal })
            return pass(`loaded at attempt ${attempts}, ${Math.round(elapsedMs)} ms after the bootout`)
          }
          if (elapsedMs > quickMs) return fail(`${attempts} attempts: ${describeFailure(result)}`)
          await pause(4 * lookMs, undefined, { signal: tools.signal })
        }
      },
    },
    {
      id: 'launchd.writable',
      group: 'launchd',
      assumed: 'a plist that the group may write is refused',
      limitMs: jobLimitMs,
      run: async (tools) => {
        const { domain, plistPath } = await planJob('writable', tools)
        chmodSync(plistPath, 0o664)
        const result = await tryBootstrap(tools.run, domain, plistPath)
        const isTaken = result.kind === 'exited' && result.exitCode === 0
        return isTaken ? fail('it was loaded') : pass(describeFailure(result))
      },
    },
    {
      id: 'launchd.quarantine',
      group: 'launchd',
      assumed: 'a plist in quarantine is refused from macOS 27 on, and loaded before (BlockBlock#106)',
      limitMs: jobLimitMs,
      run: async (tools) => {
        const version = await readSoftwareVersion(tools.run)
        const { domain, plistPath } = await planJob('quarantine', tools)
        await tools.run(['xattr', '-w', 'com.apple.quarantine', '0081;00000000;Safari;', plistPath])
        const result = await tryBootstrap(tools.run, domain, plistPath)
        const isTaken = result.kind === 'exited' && result.exitCode === 0
        const major = Number(version?.version.split('.')[0] ?? Number.NaN)
        const said = isTaken ? `loaded on macOS ${version?.version}` : describeFailure(result)
        return isTaken === major < 27 ? pass(said) : fail(said)
      },
    },
  ]
}

/** What the starter wrote: a line for each time it was started. */
const listPids = (logPath: string): readonly number[] =>
  existsSync(logPath)
    ? [...readFileSync(logPath, 'utf8').matchAll(/^(\d+)\n/gm)].map(([, pid]) => Number(pid))
    : []

/** That of the application which started this, such as Terminal: its label is in our environment. null: unknown. */
const readOwnCoalition = async (
  { env, uid }: SelfcheckContext,
  { run }: ProbeTools,
): Promise<number | null> => {
  const label = env['XPC_SERVICE_NAME']
  if (label === undefined || label === '0' || label === '') return null
  const found = await readJob(run, { domain: `gui/${uid}`, label })
  return found.kind === 'loaded' ? (found.job?.coalitionId ?? null) : null
}
