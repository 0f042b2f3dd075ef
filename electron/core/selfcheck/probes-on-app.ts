// Probes on the app's bundle on this Mac, and on the desktop.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeFailure } from '../platform/run-command.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, notApplicable, type Probe, type ProbeTools, pass } from './probe.ts'

const slowMs = 30_000
const quickMs = 10_000

const electronFramework = 'Contents/Frameworks/Electron Framework.framework/Electron Framework'

/** Positions in the fuse wire (electronjs.org/docs/latest/tutorial/fuses, @electron/fuses FuseV1Options). */
const wantedFuses = [
  { position: 0, name: 'RunAsNode', state: '0' },
  { position: 2, name: 'EnableNodeOptionsEnvironmentVariable', state: '0' },
  { position: 3, name: 'EnableNodeCliInspectArguments', state: '0' },
  { position: 4, name: 'EnableEmbeddedAsarIntegrityValidation', state: '1' },
  { position: 5, name: 'OnlyLoadAppFromAsar', state: '1' },
  { position: 7, name: 'GrantFileProtocolExtraPrivileges', state: '0' },
] as const

const fuseMark = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'

/** The fuse digits, which follow the mark, the wire's version and its length; null: no fuses. */
const findFuseWire = (program: Buffer): string | null => {
  const mark = program.indexOf(fuseMark)
  if (mark < 0) return null
  const begin = mark + fuseMark.length + 2
  const wire = program.toString('latin1', begin, begin + (program[begin - 1] ?? 0))
  return wire === '' ? null : wire
}

export const probesOnApp = (context: SelfcheckContext): readonly Probe[] => {
  const { appPath, platformId, env } = context
  const onBundle = (
    probe: Omit<Probe, 'group' | 'run'>,
    work: (path: string, tools: ProbeTools) => ReturnType<Probe['run']>,
  ): Probe => ({
    ...probe,
    group: 'App',
    run: async (tools) => {
      if (platformId !== 'darwin') return notApplicable('only macOS has app bundles')
      if (appPath === null || !existsSync(appPath)) return notApplicable('the app is not installed')
      return work(appPath, tools)
    },
  })
  return [
    onBundle(
      {
        id: 'app.signature',
        assumed: 'the signature of the app and everything in it is valid',
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
        assumed: 'the app is not in quarantine (macOS would call it damaged)',
        limitMs: quickMs,
      },
      async (path, { run }) => {
        const result = await run(['xattr', '-p', 'com.apple.quarantine', path])
        return result.kind === 'exited' && result.exitCode === 0
          ? fail(`quarantined (${result.stdout.trim()}): xattr -dr com.apple.quarantine "${path}"`)
          : pass('no such attribute')
      },
    ),
    onBundle(
      {
        id: 'app.fuses',
        assumed:
          'the fuses match electron-builder.yml: environment variables cannot turn the app into Node, and it runs only its own code',
        limitMs: slowMs,
      },
      async (path) => {
        const wire = findFuseWire(await readFile(join(path, electronFramework)))
        if (wire === null) return fail('the program has no fuses')
        const wrong = wantedFuses.filter(({ position, state }) => wire[position] !== state)
        return wrong.length === 0
          ? pass(wire)
          : fail(`${wire}: ${wrong.map(({ name, state }) => `${name} is not ${state}`).join(', ')}`)
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
          ? pass('session Aqua')
          : notApplicable(`started in session ${session}, which has no screen`)
      },
    },
  ]
}
