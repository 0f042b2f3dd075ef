// `nexus service`: the core as a launchd or systemd service, so that the stack comes back after a reboot.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type {
  Autostart,
  AutostartSpec,
  AutostartState,
  InstallOutcome,
} from '../../core/autostart/autostart.ts'
import { createAutostart } from '../../core/autostart/create-autostart.ts'
import { within } from '../../core/base/first-of.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { attachToCore } from '../../core/control/client.ts'
import { servicePath, stablePath } from '../../core/control/core-process/stable-node.ts'
import { createCommandRunner } from '../../core/platform/run-command.ts'
import type { CommandNamed } from '../arguments.ts'
import { readOrphans } from '../attach.ts'
import { type CliContext, exitCodes, folderVariables } from '../context.ts'
import { readSnapshotInTime } from '../core-answer.ts'
import { fail, printAnswer } from '../print.ts'

export const runService = async (
  { action, json }: CommandNamed<'service'>,
  context: CliContext,
): Promise<number> => {
  const autostart = createAutostart({
    platformId: context.platform.id,
    run: createCommandRunner(),
    homeDir: homedir(),
    stateDir: context.folder.root,
    serversLive: async () => (await readOrphans(context)).length > 0,
    env: context.env,
  })
  if (action !== 'status') ensureStateFolder(context.folder)
  switch (action) {
    case 'install':
      return install(autostart, json, context)
    case 'uninstall':
      return uninstall(autostart, json, context)
    case 'status':
      return showState(await autostart.read(), json, context)
  }
}

/** Without these the service would use another state folder. */
const ourVariables = [...folderVariables, 'XDG_STATE_HOME', 'XDG_DATA_HOME'] as const

/** Variables that the launcher script derives from its own location: resources/, and the app that contains the bundle. */
const scriptVariables = ['NEXUS_ROOT', 'NEXUS_APP'] as const

/** @param words the `nexus` command for launchd or systemd to start; by default the core */
export const planAutostart = (
  context: CliContext,
  words: readonly string[] = ['serve', '--wait'],
): AutostartSpec => {
  const { env, entryPath, folder } = context
  const nodePath = stablePath(process.execPath)
  const script = env['NEXUS_ROOT'] === undefined ? null : join(env['NEXUS_ROOT'], 'scripts', 'nexus')
  const hasScript = script !== null && existsSync(script)
  const variables = hasScript ? ourVariables : [...ourVariables, ...scriptVariables]
  const set = variables.flatMap((name) => {
    const value = env[name]
    return value === undefined || value === '' ? [] : [[name, value] as const]
  })
  return {
    argv: hasScript ? [script, ...words] : [nodePath, ...process.execArgv, entryPath, ...words],
    // Finds this Node again, or the one that an upgrade puts in its place. HOME: reports differ on whether a daemon with a
    // UserName has it.
    env: { ...Object.fromEntries(set), HOME: env['HOME'] || homedir(), PATH: servicePath(nodePath) },
    logPath: folder.logPath('core'),
  }
}

const install = async (autostart: Autostart, json: boolean, context: CliContext): Promise<number> => {
  const before = await autostart.read()
  // If the service can't start now, the running core has to stay.
  const handedOver = before.reason === null && before.running === false && (await endBackgroundCore(context))
  const outcome = await autostart.install(planAutostart(context))
  if (outcome.kind !== 'failed') {
    printAnswer(context, json, outcome, describeInstalled(outcome))
    return exitCodes.done
  }
  const left = '\nThe services keep running without a core; nexus up starts one that takes them over.'
  return fail(context, `${outcome.reason}${handedOver ? left : ''}`)
}

/** Ends a background core of `nexus up`; its services keep running, and the service's core adopts them. */
const endBackgroundCore = async (context: CliContext): Promise<boolean> => {
  const client = await attachToCore(context.folder.socketPath)
  if (client === null) return false
  try {
    const { owner } = await readSnapshotInTime(client, context)
    if (owner.background) {
      process.kill(owner.pid, 'SIGTERM')
      await within(client.closed, handOverMs)
    }
    return owner.background
  } finally {
    client.close()
  }
}

const handOverMs = 5_000

const describeInstalled = (outcome: Exclude<InstallOutcome, { kind: 'failed' }>): readonly string[] => {
  const head =
    outcome.kind === 'written'
      ? `Written: ${outcome.unitPath}. Not started now: ${outcome.reason}.`
      : `${outcome.already ? 'Already installed' : 'Installed and started'}: ${outcome.unitPath}.`
  return [head, 'Its core restores what was running; nexus service uninstall removes it.', ...outcome.notes]
}

const uninstall = async (autostart: Autostart, json: boolean, context: CliContext): Promise<number> => {
  const outcome = await autostart.uninstall()
  const left = await readOrphans(context)
  if (outcome.kind === 'failed') return fail(context, outcome.reason)
  printAnswer(context, json, { ...outcome, running: left }, [
    ...(outcome.kind === 'removed' ? ['Removed.', ...outcome.notes] : ['It was not installed.']),
    ...(left.length === 0
      ? []
      : ['The services keep running. nexus up supervises them again; nexus down stops them.']),
  ])
  return exitCodes.done
}

const showState = (state: AutostartState, json: boolean, context: CliContext): number => {
  printAnswer(context, json, state, describeState(state))
  return state.installed ? exitCodes.done : exitCodes.notRunning
}

const describeState = (state: AutostartState): readonly string[] => {
  const { installed, loaded, running, pid, lastExit, reason, unitPath } = state
  if (!installed && loaded !== true)
    return ['Not installed. nexus service install brings the stack back after a reboot.', ...noteOf(reason)]
  const stopped = loaded === true ? 'It does not run' : 'It is not loaded'
  const runs = `It runs${pid === null ? '' : ` (pid ${pid})`}`
  const now = running === null ? 'Could not find out whether it runs' : running ? runs : stopped
  return [
    `Installed: ${unitPath}. ${now}.`,
    ...(lastExit === null ? [] : [`It last exited with ${lastExit}; nexus logs core shows more.`]),
    ...noteOf(reason),
  ]
}

const noteOf = (reason: string | null): readonly string[] => (reason === null ? [] : [`Note: ${reason}.`])
