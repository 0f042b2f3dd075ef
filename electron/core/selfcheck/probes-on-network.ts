// Probes on firewall and local network privacy: between clients and the Router, and between Studios.
import { connect } from 'node:net'
import { describeFailure, stdoutOf } from '../platform/run-command.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import type { SelfcheckContext } from './context.ts'
import { type Finding, fail, inGroup, judged, notApplicable, outputOf, type Probe, pass } from './probe.ts'

const probe = inGroup('Processes and ports')
const connectMs = 2_500
const firewall = '/usr/libexec/ApplicationFirewall/socketfilterfw'

/** Only macOS has this firewall and this privacy. */
export const probesOnNetwork = (context: SelfcheckContext): readonly Probe[] =>
  context.platformId === 'darwin'
    ? [
        probe(
          'network.firewall',
          'without root one can read whether the application firewall is on and blocks llama-server',
          async ({ run }) => {
            const said = (await outputOf(run, [firewall, '--getglobalstate'])).trim()
            if (!/State = \d|enabled|disabled/.test(said)) return fail(`could not parse: ${said}`)
            const found = locateLlamaServer({ ...context, configuredPath: null })
            if (found === null) return pass(`${said}; no llama-server to ask about`)
            const blocked = await run([firewall, '--getappblocked', found.path])
            return judged(blocked.kind === 'exited', `${said}; llama-server: ${describeFailure(blocked)}`)
          },
        ),
        probe(
          'network.local',
          'a program started this way reaches machines on the local network (when privacy denies it: EHOSTUNREACH without a prompt)',
          async ({ run }) => {
            const text = stdoutOf(await run(['route', '-n', 'get', 'default']))
            const gateway = /^\s*gateway: (\d+(?:\.\d+){3})\s*$/m.exec(text)?.[1]
            if (gateway === undefined)
              return notApplicable('no default route to a machine on the local network')
            return judgeReach(await Promise.all([53, 80, 443].map((port) => tryConnection(gateway, port))))
          },
        ),
      ]
    : []

/** @param answers `tryConnection`'s result for each port of the gateway. A refusal proves that it was reached; silence may be its firewall. */
export const judgeReach = (answers: readonly string[]): Finding => {
  const said = `the gateway at ports 53, 80, 443: ${answers.join(', ')}`
  if (answers.some((answer) => answer === 'connected' || answer === 'ECONNREFUSED')) return pass(said)
  return answers.includes('EHOSTUNREACH') ? fail(said) : notApplicable(said)
}

/** "connected", the system's error code, or "no answer". */
const tryConnection = (host: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectMs })
    const end = (said: string) => {
      socket.destroy()
      resolve(said)
    }
    socket.once('connect', () => end('connected'))
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
