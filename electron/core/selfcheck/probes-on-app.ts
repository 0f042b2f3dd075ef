// Probes on the app's bundle on this Mac.
import { existsSync } from 'node:fs'
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
  ]
}
