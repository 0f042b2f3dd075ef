// Probes on the system and the environment of this run.
import { realpathSync } from 'node:fs'
import { describeFailure } from '../platform/run-command.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, inGroup, judged, notApplicable, outputOf, type Probe, pass } from './probe.ts'
import { parseSoftwareVersion } from './system-facts.ts'

const probe = inGroup('System')

export const probesOnSystem = (context: SelfcheckContext): readonly Probe[] => [
  probe('system.version', 'the system reports its version in a known format', async ({ run }) => {
    if (context.platformId === 'linux') return pass((await outputOf(run, ['uname', '-srm'])).trim())
    const software = parseSoftwareVersion(await outputOf(run, ['sw_vers']))
    return software === null
      ? fail('could not parse sw_vers')
      : pass(`macOS ${software.version}, build ${software.build ?? 'unknown'}`)
  }),
  probe('system.home', 'HOME is set and is the home folder of this user', async ({ run }) => {
    await run(['id'])
    const home = context.env['HOME']
    if (home === undefined || home === '') return fail('HOME is not set: the plist must set it')
    return judged(home === context.homeDir, `HOME is ${home}`, `, the user's is ${context.homeDir}`)
  }),
  probe(
    'system.open-files',
    'at least 256 files may be open at once (the default of launchd)',
    async ({ run }) => {
      const most = (await outputOf(run, ['sh', '-c', 'ulimit -n'])).trim()
      return judged(most === 'unlimited' || Number(most) >= 256, `${most} files`)
    },
  ),
  probe('system.node', 'the unit that nexus service install writes survives Homebrew upgrades', async () => {
    const { argv, env } = context.service
    const versioned = [...argv, ...(env['PATH'] ?? '').split(':')].filter((word) => /\/Cellar\//.test(word))
    return versioned.length > 0
      ? fail(`${versioned.join(', ')} will be deleted by the next upgrade (Homebrew's versioned folder)`)
      : pass(
          `no path below /Cellar/ in its arguments and PATH; this Node is ${realpathSync(context.nodePath)}`,
        )
  }),
  ...(context.platformId === 'linux'
    ? [
        probe(
          'system.systemd',
          "this user's systemd answers, so nexus service install works",
          async ({ run }) => {
            const result = await run(['systemctl', '--user', 'show', '--property=Version'])
            return result.kind === 'exited' && result.exitCode === 0
              ? pass(result.stdout.trim())
              : notApplicable(`no systemd for this user: ${describeFailure(result)}`)
          },
        ),
      ]
    : []),
]
