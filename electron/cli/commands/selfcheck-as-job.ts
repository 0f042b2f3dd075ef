// `nexus selfcheck --as agent|daemon`: launchd jobs have other permissions than Terminal and SSH.
import { rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readRecord } from '../../core/base/json-record.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import type { LaunchdJobSpec } from '../../core/platform/launchd/plist.ts'
import { createCommandRunner } from '../../core/platform/run-command.ts'
import { readOwnUserName } from '../../core/platform/user-name.ts'
import { listDaemonCommands, runAsAgent } from '../../core/selfcheck/as-launchd-job.ts'
import { ensureEmptyFolder } from '../../core/selfcheck/fixture-files.ts'
import { writeJobPlist } from '../../core/selfcheck/launchd-job.ts'
import { SelfcheckReportSchema } from '../../core/selfcheck/report.ts'
import { selfcheckLabel } from '../../core/selfcheck/system-facts.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { createInterruption } from '../interruption.ts'
import { refuse } from '../options.ts'
import { printAnswer } from '../print.ts'
import { defaultOutDir, judgeReport, type SelfcheckCommand } from './selfcheck.ts'
import { planAutostart } from './service.ts'

export const runSelfcheckAsJob = async (
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
    printAnswer(context, command.json, { commands, outDir }, [
      'Only root can start a daemon. Run these, one after the other:',
      '',
      ...commands,
      '',
      `The output will be in ${outDir}.`,
    ])
    return exitCodes.done
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
