// Probes on launchd with harmless jobs: whether a job's children survive its end, and which plists it loads.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { quoteForShell } from '../../wording/shell-quote.ts'
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
import { fail, inGroup, judged, type Probe, type ProbeTools, pass } from './probe.ts'
import { endSleepers, sleepSeconds, starterScript } from './sleeping-child.ts'
import { readSoftwareVersion, selfcheckLabel } from './system-facts.ts'

const probe = inGroup('launchd', 40_000)
const lookMs = 50
const againWithinMs = 15_000
/** Longer than launchd's default wait of 10 s, in case it ignores a smaller ThrottleInterval. */
const newPidWithinMs = 14_000

/** macOS kills the rest of a coalition after the job, not with it (tmux/tmux#5465: "killing coalition pid"). */
const usualSettleMs = 1_500

export const probesOnLaunchd = (context: SelfcheckContext, settleMs = usualSettleMs): readonly Probe[] => {
  if (context.platformId !== 'darwin') return []
  const { uid } = context

  const planJob = async (name: string, tools: ProbeTools) => {
    const domain = await chooseDomain(tools.run, uid)
    const label = `${selfcheckLabel}.${process.pid}.${name}`
    const place: JobPlace = { domain, label }
    // With a blank, as in the real state folder ("Application Support").
    const folder = join(context.workDir, 'launchd jobs')
    const plistPath = join(folder, `${label}.plist`)
    // The starter appends each child's pid.
    const logPath = join(folder, `${name}.out`)
    writeJobPlist(plistPath, {
      label,
      argv: [context.nodePath, '-e', starterScript, String(sleepSeconds), name === 'exit' ? 'exit' : 'stay'],
      env: {},
      logPath,
      lifetime: 'once',
      userName: null,
    })
    // Runs after the job's removal, because the job may have been started more than once.
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

  /** The job's child is a `sleep` in its own session, like the core's servers. */
  const startJob = async (name: string, tools: ProbeTools) => {
    const planned = await planJob(name, tools)
    await bootstrapJob(tools.run, planned.domain, planned.plistPath)
    const pid = await until(tools, () => listPids(planned.logPath)[0] ?? null)
    const child = await context.createPlatform(tools.run).processes.readIdentity(pid)
    if (child === null) throw new Error(`the child ${pid} of the job is not in the process table`)
    return { ...planned, child }
  }
  type StartedJob = Awaited<ReturnType<typeof startJob>>

  const livesOn = async ({ child }: StartedJob, tools: ProbeTools): Promise<boolean> => {
    const { processes } = context.createPlatform(tools.run)
    const deadline = performance.now() + settleMs
    return until(tools, async () => {
      if (!(await isSameProcess(child, processes))) return false
      return performance.now() > deadline ? true : null
    })
  }

  const untilEnded = (job: StartedJob, tools: ProbeTools): Promise<boolean> =>
    until(tools, async () => (pidOf(await readJob(tools.run, job)) === null ? true : null))

  /** The servers must outlive their core, however launchd ends it. @param end how, in words */
  const probeOnEnd = (
    name: string,
    assumed: string,
    end: (job: StartedJob, tools: ProbeTools) => Promise<string>,
    mustLive = true,
  ): Probe =>
    probe(`launchd.child-${name}`, `a child in its own session survives when ${assumed}`, async (tools) => {
      const job = await startJob(name, tools)
      const how = await end(job, tools)
      const isAlive = await livesOn(job, tools)
      return judged(
        isAlive || !mustLive,
        `in ${job.domain}, ${how}: the child ${isAlive ? 'lives on' : 'ended too'}`,
      )
    })

  return [
    probe(
      'launchd.domains',
      'an unknown label gives 113, and a user who is not logged in 112 or 125',
      async ({ run }) => {
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
        return judged(isKnown, said)
      },
    ),
    probe(
      'launchd.bootstrap',
      'a plist of mode 0600 outside LaunchAgents, with a blank in its path, can be loaded, and its job has its own coalition',
      async (tools) => {
        const job = await startJob('bootstrap', tools)
        const found = await readJob(tools.run, job)
        if (found.kind !== 'loaded' || found.job === null || found.job.pid === null)
          return fail(`loaded in ${job.domain}, but read as ${JSON.stringify(found)}`)
        const own = await readOwnCoalition(context, tools)
        const { pid, state, coalitionId } = found.job
        const said = `${job.domain}, pid ${pid}, ${state}, coalition ${coalitionId ?? 'unknown'}; ours ${own ?? 'unknown'}`
        const isShared = coalitionId !== null && coalitionId === own
        return judged(!isShared, said, ': the job ends together with its starter')
      },
    ),
    probe(
      'launchd.duplicate',
      'loading a label twice is refused with error 5, and the job keeps running',
      async (tools) => {
        const job = await startJob('duplicate', tools)
        const before = pidOf(await readJob(tools.run, job))
        const result = await tryBootstrap(tools.run, job.domain, job.plistPath)
        const after = await readJob(tools.run, job)
        const isSame = before !== null && before === pidOf(after)
        const code = result.kind === 'exited' ? result.exitCode : null
        const said = `exit status ${code ?? describeFailure(result)}, the job ${isSame ? 'keeps running' : `is ${JSON.stringify(after)}`}`
        return judged(code === 5 && isSame, said)
      },
    ),
    probeOnEnd('exit', 'its job exits with 0 (AbandonProcessGroup)', async (job, tools) => {
      await untilEnded(job, tools)
      return 'exit 0'
    }),
    ...(['SIGTERM', 'SIGKILL'] as const).map((signal) =>
      probeOnEnd(signal.toLowerCase(), `its job is ended by ${signal}`, async (job, tools) => {
        await tools.run(['launchctl', 'kill', signal, targetOf(job)])
        await untilEnded(job, tools)
        return signal
      }),
    ),
    probeOnEnd('kickstart', 'kickstart -k replaces its job', async (job, tools) => {
      const before = pidOf(await readJob(tools.run, job))
      const began = performance.now()
      await tools.run(['launchctl', 'kickstart', '-k', targetOf(job)], { timeoutMs: newPidWithinMs })
      return until(tools, async () => {
        const now = pidOf(await readJob(tools.run, job))
        const elapsedMs = performance.now() - began
        // Wait until its child's pid is logged, or nothing could end the child.
        if (now !== null && now !== before && listPids(job.logPath).length > 1)
          return `kickstart -k, a new pid after ${Math.round(elapsedMs)} ms`
        return elapsedMs > newPidWithinMs ? 'kickstart -k, no new pid' : null
      })
    }),
    probeOnEnd(
      'bootout',
      'its job is unloaded: reports disagree, so Nexus never does it while servers run',
      async (job, tools) => {
        await removeJob(tools.run, job)
        return 'bootout'
      },
      false,
    ),
    probe('launchd.again', 'after a bootout the label can be loaded again within 15 s', async (tools) => {
      const job = await startJob('again', tools)
      const began = performance.now()
      // As in real use: without waiting until the job is gone.
      await tools.run(['launchctl', 'bootout', targetOf(job)])
      let attempts = 0
      return until(tools, async () => {
        attempts += 1
        const result = await tryBootstrap(tools.run, job.domain, job.plistPath)
        const elapsedMs = performance.now() - began
        if (result.kind !== 'exited' || result.exitCode !== 0)
          return elapsedMs > againWithinMs ? fail(`${attempts} attempts: ${describeFailure(result)}`) : null
        await until(tools, () => (listPids(job.logPath).length < 2 ? null : true))
        return pass(`loaded at attempt ${attempts}, ${Math.round(elapsedMs)} ms after the bootout`)
      })
    }),
    probe(
      'launchd.quarantine',
      'a quarantined plist is refused since macOS 27, and loaded before (BlockBlock#106)',
      async (tools) => {
        const version = await readSoftwareVersion(tools.run)
        const { domain, plistPath } = await planJob('quarantine', tools)
        await tools.run(['xattr', '-w', 'com.apple.quarantine', '0081;00000000;Safari;', plistPath])
        const result = await tryBootstrap(tools.run, domain, plistPath)
        const isTaken = result.kind === 'exited' && result.exitCode === 0
        const major = Number(version?.version.split('.')[0] ?? Number.NaN)
        const said = isTaken ? `loaded on macOS ${version?.version}` : describeFailure(result)
        return judged(isTaken === major < 27, said)
      },
    ),
  ]
}

/** The first value that `look` finds; rejects when the probe's time is up. */
const until = async <T>(tools: ProbeTools, look: () => T | null | Promise<T | null>): Promise<T> => {
  for (;;) {
    const found = await look()
    if (found !== null) return found
    await pause(lookMs, undefined, { signal: tools.signal })
  }
}

/** The starter's log: a line for each start. */
const listPids = (logPath: string): readonly number[] =>
  existsSync(logPath)
    ? [...readFileSync(logPath, 'utf8').matchAll(/^(\d+)\n/gm)].map(([, pid]) => Number(pid))
    : []

/** The coalition of the application that started us, such as Terminal: its label is in our environment. null: unknown. */
const readOwnCoalition = async (
  { env, uid }: SelfcheckContext,
  { run }: ProbeTools,
): Promise<number | null> => {
  const label = env['XPC_SERVICE_NAME']
  if (label === undefined || label === '0' || label === '') return null
  const found = await readJob(run, { domain: `gui/${uid}`, label })
  return found.kind === 'loaded' ? (found.job?.coalitionId ?? null) : null
}
