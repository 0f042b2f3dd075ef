// `nexus selfcheck`: tests what Nexus assumes about this machine with its own temporary parts, and keeps the raw output; with
// `--as agent|daemon` as a launchd job, which has other permissions than Terminal and SSH.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readRecord } from '../../core/base/json-record.ts'
import { defaultConfig } from '../../core/config/config.ts'
import { chooseProfile } from '../../core/config/profiles.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { createDarwinPlatform } from '../../core/platform/darwin-platform.ts'
import type { LaunchdJobSpec } from '../../core/platform/launchd/plist.ts'
import { createLinuxPlatform } from '../../core/platform/linux-platform.ts'
import { createCommandRunner } from '../../core/platform/run-command.ts'
import { readOwnUserName } from '../../core/platform/user-name.ts'
import type { PrivateStack, SelfcheckContext } from '../../core/selfcheck/context.ts'
import { ensureEmptyFolder } from '../../core/selfcheck/fixture-files.ts'
import { listDaemonCommands, runAsAgent, writeJobPlist } from '../../core/selfcheck/launchd-job.ts'
import type { Probe } from '../../core/selfcheck/probe.ts'
import { type SelfcheckReport, SelfcheckReportSchema } from '../../core/selfcheck/report.ts'
import { runSelfcheck } from '../../core/selfcheck/selfcheck.ts'
import { selfcheckLabel } from '../../core/selfcheck/system-facts.ts'
import type { CommandNamed } from '../arguments.ts'
import { refuse } from '../command-line.ts'
import { type CliContext, exitCodes, printAnswer } from '../context.ts'
import { createInterruption } from '../interruption.ts'
import { ensureSetUp } from '../set-up.ts'
import { demoForTries, startOwnStack } from '../tried-stack.ts'
import { readVersion } from '../version.ts'
import { renderBegun, renderEnd, renderGroup, renderProbe } from '../view/selfcheck-view.ts'
import { planAutostart } from './service.ts'

type SelfcheckCommand = CommandNamed<'selfcheck'>

const largeBytes = 10 * 2 ** 30

/** 1 when a probe fails, something is left behind, or it was interrupted. */
export const runSelfcheckCommand = async (
  command: SelfcheckCommand,
  context: CliContext,
): Promise<number> => {
  if (command.as !== null) return runAsJob(command, command.as, context)
  const stop = createInterruption('the selfcheck was interrupted', context)
  // Sockets go in here: the name is short because the path of macOS's temporary folder is already long.
  const workDir = mkdtempSync(join(tmpdir(), 'nexus-sc-'))
  let report: SelfcheckReport
  try {
    ensureStateFolder(context.folder)
    const progress = createProgress(command, context)
    report = await runSelfcheck({
      context: createSelfcheckContext(context, workDir, command.large),
      run: createCommandRunner(),
      signal: stop.signal,
      nexusVersion: readVersion(context.resourcesDir),
      outDir: command.out === null ? defaultOutDir(context) : resolve(command.out),
      recordPath: context.folder.selfcheckPath,
      ...progress,
    })
  } finally {
    // Only the ledger in it can find what still runs.
    if (!existsSync(join(workDir, 'stack'))) rmSync(workDir, { recursive: true, force: true })
    stop.end()
  }
  printAnswer(context, command.json, report, renderEnd(report, context))
  const code = judgeReport(report)
  // An abandoned probe may still wait for a hanging command.
  setTimeout(() => process.stdout.write('', () => process.exit(code)), exitWithinMs).unref()
  return code
}

const exitWithinMs = 200

const judgeReport = ({ summary, left, interrupted }: SelfcheckReport): number =>
  summary.fail === 0 && left.length === 0 && !interrupted ? exitCodes.done : exitCodes.failed

const defaultOutDir = ({ folder }: CliContext, mark = ''): string =>
  join(folder.root, 'selfcheck', `${new Date().toISOString().slice(0, 19).replaceAll(':', '')}${mark}`)

/** On a terminal, shows the running probe and overwrites it with its result. */
const createProgress = (command: SelfcheckCommand, context: CliContext) => {
  let group: Probe['group'] | null = null
  const redraws = context.stdoutIsTerminal && !command.json
  return {
    onBegin: (probe: Probe) => {
      if (command.json) return
      if (probe.group !== group)
        context.print(`${group === null ? '' : '\n'}${renderGroup(probe.group, context)}`)
      group = probe.group
      if (redraws) process.stdout.write(renderBegun(probe, context))
    },
    onEnd: (report: SelfcheckReport['probes'][number]) => {
      if (redraws) process.stdout.write('\r\u001b[K')
      const lines = renderProbe(report, context)
      // With --json on stderr, so that a CI log shows progress.
      for (const line of lines) (command.json ? context.printError : context.print)(line)
    },
  }
}

const createSelfcheckContext = (context: CliContext, workDir: string, large: boolean): SelfcheckContext => ({
  platformId: context.platform.id,
  createPlatform: (run) =>
    context.platform.id === 'darwin'
      ? createDarwinPlatform({ run })
      : createLinuxPlatform({ ramDiskRoot: join(workDir, 'volumes'), run }),
  env: context.env,
  homeDir: homedir(),
  uid: process.getuid?.() ?? 0,
  nodePath: process.execPath,
  resourcesDir: context.resourcesDir,
  runtimeDir: context.folder.runtimeDir,
  workDir,
  service: planAutostart(context),
  ensureSetUp: (signal) =>
    ensureSetUp(chooseProfile(defaultConfig, 'demo', context.folder.runtimeDir).profile, context, signal),
  openStack: (signal) => openPrivateStack(context, workDir, signal),
  appPath: context.env['NEXUS_APP'] ?? usualAppPath,
  largeBytes: large ? largeBytes : null,
})

/** Where users drag the app from the dmg. */
const usualAppPath = '/Applications/Opta Nexus.app'

const openPrivateStack = async (
  context: CliContext,
  workDir: string,
  signal: AbortSignal,
): Promise<PrivateStack> => {
  const root = join(workDir, 'stack')
  const sharedDir = join(workDir, 's')
  for (const folder of [root, sharedDir]) mkdirSync(folder, { mode: 0o700 })
  const stack = await startOwnStack(context, signal, {
    root,
    sharedDir,
    // Linux has no group that contains every user, so guests need this setting there.
    config: context.platform.id === 'darwin' ? {} : { guests: 'everyone' },
    profile: await demoForTries(),
  })
  return { folder: stack.context.folder, snapshot: stack.snapshot, end: () => stack.end(false) }
}

const runAsJob = async (
  command: SelfcheckCommand,
  kind: NonNullable<SelfcheckCommand['as']>,
  context: CliContext,
): Promise<number> => {
  if (context.platform.id !== 'darwin')
    refuse('nexus selfcheck', `--as ${kind}`, 'only on macOS, which has launchd (here: nexus selfcheck)')
  ensureStateFolder(context.folder)
  const folder = join(context.folder.root, 'selfcheck')
  const outDir = command.out === null ? defaultOutDir(context, `-${kind}`) : resolve(command.out)
  ensureEmptyFolder(outDir)
  const words = ['selfcheck', '--out', outDir, ...(command.large ? ['--large'] : [])]
  const { argv, env } = planAutostart(context, words)
  const spec: LaunchdJobSpec = {
    label: selfcheckLabel,
    argv,
    // A daemon with UserName may come without HOME.
    env: { ...env, HOME: homedir() },
    // Beside the folder, which must be empty for the job.
    logPath: `${outDir}.log`,
    lifetime: 'once',
    // Time to stop its own servers.
    exitSeconds: 60,
    userName: kind === 'daemon' ? readOwnUserName() : null,
  }
  const plistPath = join(folder, `${selfcheckLabel}.${kind}.plist`)
  if (kind === 'daemon') {
    writeJobPlist(plistPath, spec)
    const commands = listDaemonCommands(selfcheckLabel, plistPath, spec.logPath)
    return printAnswer(context, command.json, { commands, outDir }, [
      'Only root can start a daemon. Run these, one after the other:',
      '',
      ...commands,
      '',
      `The output will be in ${outDir}.`,
    ])
  }
  const stop = createInterruption('the selfcheck was interrupted', context)
  try {
    await runAsAgent({
      run: createCommandRunner(),
      uid: process.getuid?.() ?? 0,
      spec,
      plistPath,
      signal: stop.signal,
      onLine: command.json ? context.printError : context.print,
    })
  } finally {
    rmSync(plistPath, { force: true })
    stop.end()
  }
  const report = readRecord(join(outDir, 'report.json'), SelfcheckReportSchema)
  if (report === null) throw new Error(`the job ended without a report; its output is in ${spec.logPath}`)
  printAnswer(context, command.json, { ...report, folder: outDir }, [])
  return judgeReport(report)
}
