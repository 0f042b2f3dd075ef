// Probes on the system and the environment of this run.
import { realpathSync } from 'node:fs'
import { describeFailure } from '../platform/run-command.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, notApplicable, type Probe, pass } from './probe.ts'
import { parseSoftwareVersion } from './system-facts.ts'

const quickMs = 10_000

const systemdProbe: Probe = {
  id: 'system.systemd',
  group: 'System',
  assumed: "this user's systemd answers, so nexus service install works",
  limitMs: quickMs,
  run: async ({ run }) => {
    const result = await run(['systemctl', '--user', 'show', '--property=Version'])
    if (result.kind === 'exited' && result.exitCode === 0) return pass(result.stdout.trim())
    return notApplicable(`no systemd for this user: ${describeFailure(result)}`)
  },
}

export const probesOnSystem = (context: SelfcheckContext): readonly Probe[] => [
  {
    id: 'system.version',
    group: 'System',
    assumed: 'the system reports its version in a known format',
    limitMs: quickMs,
    run: async ({ run }) => {
      if (context.platformId === 'linux') {
        const result = await run(['uname', '-srm'])
        return result.kind === 'exited' && result.exitCode === 0
          ? pass(result.stdout.trim())
          : fail(describeFailure(result))
      }
      const result = await run(['sw_vers'])
      const software = result.kind === 'exited' ? parseSoftwareVersion(result.stdout) : null
      return software === null
        ? fail(`sw_vers: ${describeFailure(result)}`)
        : pass(`macOS ${software.version}, build ${software.build ?? 'unknown'}`)
    },
  },
  {
    id: 'system.home',
    group: 'System',
    assumed: 'HOME is set and is the home folder of this user',
    limitMs: quickMs,
    run: async ({ run }) => {
      await run(['id'])
      const home = context.env['HOME']
      if (home === undefined || home === '') return fail('HOME is not set: the plist must set it')
      return home === context.homeDir ? pass(home) : fail(`HOME is ${home}, the user's is ${context.homeDir}`)
    },
  },
  {
    id: 'system.open-files',
    group: 'System',
    assumed: 'at least 256 files may be open at once (the default of launchd)',
    limitMs: quickMs,
    run: async ({ run }) => {
      const result = await run(['sh', '-c', 'ulimit -n'])
      const said = result.kind === 'exited' ? result.stdout.trim() : ''
      if (said === 'unlimited') return pass('no limit')
      if (!/^\d+$/.test(said)) return fail(`ulimit -n: ${describeFailure(result)}`)
      return Number(said) >= 256 ? pass(`${said} files`) : fail(`only ${said} files`)
    },
  },
  {
    id: 'system.node',
    group: 'System',
    assumed: 'the unit that nexus service install writes survives Homebrew upgrades',
    limitMs: quickMs,
    run: async () => {
      const { argv, env } = context.service
      const versioned = [...argv, ...(env['PATH'] ?? '').split(':')].filter((word) => /\/Cellar\//.test(word))
      if (versioned.length > 0)
        return fail(
          `${versioned.join(', ')} will be deleted by the next upgrade (Homebrew's versioned folder)`,
        )
      const real = realpathSync(context.nodePath)
      return pass(`no path below /Cellar/ in its arguments and PATH; this Node is ${real}`)
    },
  },
  ...(context.platformId === 'linux' ? [systemdProbe] : []),
]
