// Probes on the app's bundle on this Mac.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SelfcheckContext } from './context.ts'
import {
  type Finding,
  fail,
  inGroup,
  notApplicable,
  outputOf,
  type Probe,
  type ProbeTools,
  pass,
} from './probe.ts'

const slowMs = 30_000
const probe = inGroup('App', slowMs)

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

export const probesOnApp = ({ appPath, platformId }: SelfcheckContext): readonly Probe[] => {
  if (platformId !== 'darwin') return []
  const onBundle = (work: (path: string, tools: ProbeTools) => Promise<Finding>): Probe['run'] =>
    appPath === null || !existsSync(appPath)
      ? async () => notApplicable('the app is not installed')
      : (tools) => work(appPath, tools)
  return [
    probe(
      'app.signature',
      'the signature of the app and everything in it is valid',
      onBundle(async (path, { run }) => {
        const options = { timeoutMs: slowMs }
        await run(['codesign', '-dv', '--verbose=4', path])
        await run(['spctl', '--assess', '--type', 'execute', '--verbose', path], options)
        await outputOf(run, ['codesign', '--verify', '--deep', '--strict', '--verbose=2', path], options)
        return pass('valid on disk')
      }),
    ),
    probe(
      'app.quarantine',
      'the app is not in quarantine (macOS would call it damaged)',
      onBundle(async (path, { run }) => {
        const result = await run(['xattr', '-p', 'com.apple.quarantine', path])
        return result.kind === 'exited' && result.exitCode === 0
          ? fail(`quarantined (${result.stdout.trim()}): xattr -dr com.apple.quarantine "${path}"`)
          : pass('no such attribute')
      }),
    ),
    probe(
      'app.fuses',
      'the fuses match electron-builder.yml: environment variables cannot turn the app into Node, and it runs only its own code',
      onBundle(async (path) => {
        const wire = findFuseWire(await readFile(join(path, electronFramework)))
        if (wire === null) return fail('the program has no fuses')
        const wrong = wantedFuses.filter(({ position, state }) => wire[position] !== state)
        return wrong.length === 0
          ? pass(wire)
          : fail(`${wire}: ${wrong.map(({ name, state }) => `${name} is not ${state}`).join(', ')}`)
      }),
    ),
  ]
}
