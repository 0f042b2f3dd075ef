// Probes on the app's bundle as it lies on this Mac, and on a desktop to show it on.
import { existsSync } from 'node:fs'
import { describeFailure } from '../platform/run-command.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, notApplicable, type Probe, type ProbeTools, pass } from './probe.ts'

const slowMs = 30_000
const quickMs = 10_000

export const probesOnApp = (context: SelfcheckContext): readonly Probe[] => {
  const { appPath, platformId, env } = context
  const onBundle = (
    probe: Omit<Probe, 'group' | 'run'>,
    work: (path: string, tools: ProbeTools) => ReturnType<Probe['run']>,
  ): Probe => ({
    ...probe,
    group: 'App',
    run: async (tools) => {
      if (platformId !== 'darwin') return notApplicable('an app bundle is macOS’s')
      if (appPath === null || !existsSync(appPath)) return notApplicable('the app is not installed')
      return work(appPath, tools)
    },
  })
  return [
    onBundle(
      {
        id: 'app.signature',
        assumed: 'the signature of the app and of everything in it holds',
        limitMs: slowMs,
      },
      async (path, { run }) => {
        const options = { timeoutMs: slowMs }
        const result = await run(['codesign', '--verify', '--deep', '--strict', '--verbose=2', path], options)
        await run(['codesign', '-dv', '--verbose=4', path])
        await run(['spctl', '--assess', '--type', 'execute', '--verbose', path], options)
        return result.kind === 'exited' && result.exitCode === 0
          ? pass('valid on disk')
          : fail(`codesign --verify: ${describeFailure(result)}`)
      },
    ),
    onBundle(
      {
        id: 'app.quarantine',
        assumed: 'the app is not in quarantine, which has macOS call it damaged',
        limitMs: quickMs,
      },
      async (path, { run }) => {
        const result = await run(['xattr', '-p', 'com.apple.quarantine', path])
        return result.kind === 'exited' && result.exitCode === 0
          ? fail(`quarantined (${result.stdout.trim()}): xattr -dr com.apple.quarantine "${path}"`)
          : pass('no such attribute')
      },
    ),
    {
      id: 'app.desktop',
      group: 'App',
      assumed: 'there is a desktop for the window and the icon',
      limitMs: quickMs,
      run: async ({ run }) => {
        if (platformId === 'linux')
          return env['DISPLAY'] || env['WAYLAND_DISPLAY']
            ? pass('DISPLAY or WAYLAND_DISPLAY is set')
            : notApplicable('no desktop here: neither DISPLAY nor WAYLAND_DISPLAY is set')
        const result = await run(['launchctl', 'managername'])
        const session = result.kind === 'exited' ? result.stdout.trim() : describeFailure(result)
        return session === 'Aqua'
          ? pass('the session Aqua')
          : notApplicable(`started in the session ${session}, which has no screen`)
      },
    },
  ]
}
