// The selfcheck: its probes, the run, the report, and the folder of raw outputs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../base/error-message.ts'
import type { RunCommand } from '../platform/run-command.ts'
import type { SelfcheckContext } from './context.ts'
import { ensureEmptyFolder, planFixtureFiles, writeFixtureFiles } from './fixture-files.ts'
import type { Probe, ProbeVerdict } from './probe.ts'
import { probesOnApp } from './probes-on-app.ts'
import { probesOnEngine } from './probes-on-engine.ts'
import { probesOnForge } from './probes-on-forge.ts'
import { probesOnLargeDisk } from './probes-on-large-disk.ts'
import { probesOnLaunchd } from './probes-on-launchd.ts'
import { probesOnNetwork } from './probes-on-network.ts'
import { probesOnProcesses } from './probes-on-processes.ts'
import { probesOnReadings } from './probes-on-readings.ts'
import { probesOnStack } from './probes-on-stack.ts'
import { probesOnSystem } from './probes-on-system.ts'
import { createRedactor, type Redact } from './redact.ts'
import type { ProbeReport, SelfcheckReport } from './report.ts'
import { type ProbeRun, runProbes } from './run-probes.ts'
import { rememberSelfcheck } from './selfcheck-record.ts'
import { judgeStart, readSystemFacts } from './system-facts.ts'

/** Keeps the run near two minutes; the rest is for cleaning up. */
const probesLimitMs = 110_000
const undoLimitMs = 30_000

export interface SelfcheckOptions {
  readonly context: SelfcheckContext
  readonly run: RunCommand
  readonly signal: AbortSignal
  readonly nexusVersion: string
  /** A new or empty folder for the raw outputs. */
  readonly outDir: string
  readonly recordPath: string
  readonly onBegin: (probe: Probe) => void
  readonly onEnd: (report: ProbeReport) => void
}

const listProbes = (context: SelfcheckContext): readonly Probe[] => [
  ...probesOnSystem(context),
  ...probesOnForge(context),
  ...probesOnLargeDisk(context),
  ...probesOnProcesses(context),
  ...probesOnNetwork(context),
  ...probesOnReadings(context),
  ...probesOnEngine(context),
  ...probesOnStack(context),
  ...probesOnApp(context),
  // Last, because launchd can be slow and the more important probes should run first.
  ...probesOnLaunchd(context),
]

/** The probes that only a Mac can run; empty on a Mac. */
const listAskedOnMac = (
  context: SelfcheckContext,
  probes: readonly Pick<ProbeReport, 'id' | 'verdict'>[],
): SelfcheckReport['askedOnMac'] => {
  if (context.platformId === 'darwin') return []
  const tried = new Set(probes.filter(({ verdict }) => verdict !== 'not-applicable').map(({ id }) => id))
  return listProbes({ ...context, platformId: 'darwin' })
    .filter(({ id }) => !tried.has(id))
    .map(({ id, assumed }) => ({ id, assumed }))
}

/** Checks that only a person can do, each with the command to run afterwards. */
const listByHand = (platform: 'darwin' | 'linux'): readonly string[] =>
  platform === 'darwin'
    ? [
        'Run the selfcheck in the other ways: in Terminal "nexus selfcheck"; from another machine "ssh HOST nexus selfcheck"; "nexus selfcheck --as agent"; "nexus selfcheck --as daemon" prints the commands for root.',
        'From another machine, over SSH while no user is logged in at the screen: nexus selfcheck.',
        'nexus up, then quit Terminal (Cmd-Q), wait a minute, open it again: nexus status must still say ready. Repeat after quitting the app, after a Force Quit, and after switching it off in System Settings, General, Login Items & Extensions.',
        'nexus up, log out, log in again: nexus status, then nexus clients --test (a GPU of a dead login session answers /health but no request).',
        'nexus service install, reboot: nexus status. Repeat with the daemon that it prints, while no user is logged in.',
        'brew upgrade node (or reinstall it): nexus service status, then nexus doctor.',
        'From another machine, without a key: curl -s -o /dev/null -w "%{http_code}\\n" -X POST http://STUDIO:4000/v1/messages must print 401.',
        'As a second user of this Mac: ls -l /Volumes/OptaBuilds and touch a file there; then run nexus status.',
        'nexus app: a notification arrives, the window opens under the icon, "Open at login" survives a logout, and Quit ends within 10 s.',
        'An app from a downloaded dmg: open it, and if it is called damaged: xattr -dr com.apple.quarantine "/Applications/Opta Nexus.app"',
      ]
    : [
        'Reboot with nexus service install done: nexus status must say ready again.',
        'From another machine, without a key: curl -s -o /dev/null -w "%{http_code}\\n" -X POST http://HOST:4000/v1/messages must print 401.',
      ]

/** Throws when `outDir` cannot be used; a failing probe is a finding. */
export const runSelfcheck = async (options: SelfcheckOptions): Promise<SelfcheckReport> => {
  const { context, run, signal, outDir } = options
  ensureEmptyFolder(outDir)
  const startedAt = Date.now()
  const facts = await readSystemFacts(context.platformId, run, context.homeDir)
  const redact = createRedactor(facts.privateWords)
  const startedFrom = judgeStart({
    platform: context.platformId,
    env: context.env,
    managerName: facts.managerName,
  })
  const { runs, left } = await runProbes(listProbes(context), {
    run,
    signal,
    limitMs: probesLimitMs,
    undoLimitMs,
    onBegin: options.onBegin,
    onEnd: (ended) => options.onEnd(reportOn(ended, redact)),
  })
  const probes = runs.map((ended) => reportOn(ended, redact))
  const count = (wanted: ProbeVerdict) => probes.filter(({ verdict }) => verdict === wanted).length
  const failed = probes.filter(({ verdict }) => verdict === 'fail')
  const system = { ...facts.system, nexus: options.nexusVersion }
  const report: SelfcheckReport = {
    version: 1,
    system,
    startedFrom,
    startedAt,
    milliseconds: Date.now() - startedAt,
    interrupted: signal.aborted,
    probes,
    left: [...left],
    summary: {
      pass: count('pass'),
      fail: count('fail'),
      notApplicable: count('not-applicable'),
    },
    askedOnMac: listAskedOnMac(context, probes),
    byHand: [...listByHand(context.platformId)],
    next: sayNext(failed.length, signal.aborted, outDir),
    folder: null,
  }
  const folder = writeFolder(outDir, report, runs, redact)
  if (!signal.aborted)
    rememberSelfcheck(options.recordPath, {
      system: nameSystem(system),
      startedFrom: startedFrom.kind,
      endedAt: Date.now(),
      failed: failed.map(({ id }) => id),
    })
  return { ...report, folder }
}

/** The name that the record and the doctor use. */
const nameSystem = ({ name, version }: Pick<SelfcheckReport['system'], 'name' | 'version'>): string =>
  `${name} ${version ?? 'of an unknown version'}`

const reportOn = ({ probe, verdict, found, milliseconds }: ProbeRun, redact: Redact): ProbeReport => ({
  id: probe.id,
  group: probe.group,
  assumed: probe.assumed,
  found: redact(found),
  verdict,
  milliseconds,
})

const sayNext = (failures: number, interrupted: boolean, outDir: string): string => {
  if (interrupted) return 'Interrupted: run it again.'
  return failures === 0
    ? 'Every assumption that could be tested holds. Do the checks by hand, then: nexus doctor'
    : `Send the folder ${outDir} to a developer (names and addresses are redacted); nexus doctor says what you can fix.`
}

/** null when it cannot be written (a full disk): the report is still printed. */
const writeFolder = (
  outDir: string,
  report: SelfcheckReport,
  runs: readonly ProbeRun[],
  redact: Redact,
): string | null => {
  const { system, startedFrom } = report
  const versionLabel = `${system.name.toLowerCase()}${system.version ?? '-unknown'}`
  const files = planFixtureFiles(runs, redact, {
    versionLabel,
    host: [nameSystem(system), system.build, system.model, system.machine].filter(Boolean).join(', '),
    source: `nexus selfcheck ${system.nexus}, started from ${startedFrom.kind}`,
  })
  try {
    writeFixtureFiles(outDir, files)
    writeFileSync(
      join(outDir, 'report.json'),
      `${JSON.stringify({ ...report, left: report.left.map(redact), next: redact(report.next) }, null, 2)}\n`,
    )
    return outDir
  } catch (error) {
    process.emitWarning(`could not write the folder ${outDir}: ${messageOf(error)}`)
    return null
  }
}
