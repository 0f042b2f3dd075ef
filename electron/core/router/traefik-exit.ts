// Why Traefik ended, in plain words, from its exit status and log.
import { stripVTControlCharacters } from 'node:util'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { type ExitExplanation, type ExitReport, explainSignal } from '../supervise/child-service.ts'

export interface TraefikSurroundings {
  readonly platform: 'darwin' | 'linux'
  readonly binaryPath: string
  /** The profile's `gateway.listen`. */
  readonly listen: string
}

interface Symptom {
  readonly pattern: RegExp
  readonly reason: (surroundings: TraefikSurroundings) => string
}

/**
 * Since 10.14 macOS lets any user listen below 1024, but only on all addresses at once (many reports since 10.14.2, such as
 * apple.stackexchange.com/questions/348854; zameermanji.com/blog/2024/1/5 shows `nc -l 127.0.0.1 81` refused). Linux
 * requires CAP_NET_BIND_SERVICE below net.ipv4.ip_unprivileged_port_start (ip(7), capabilities(7)).
 */
export const explainPortRefused = ({ platform, binaryPath, listen }: TraefikSurroundings): string => {
  const port = listen.slice(listen.lastIndexOf(':') + 1)
  return platform === 'darwin'
    ? `this user may not listen at ${listen}: macOS allows ports below 1024 only on all addresses at once; set gateway.listen to :${port}, or to a port from 1024 on`
    : `this user may not listen on port ${port}; sudo setcap cap_net_bind_service=+ep ${quoteForShell(binaryPath)} allows it, or set gateway.listen to a port from 1024 on, such as :8000`
}

/** The error texts are Go's (syscall/zerrors_linux_*.go, zerrors_darwin_*.go); Linux's were recorded on 3.7.15. */
const symptoms: readonly Symptom[] = [
  { pattern: /bind: permission denied/, reason: explainPortRefused },
  {
    pattern: /bind: address already in use/,
    reason: ({ listen }) =>
      `${listen} is taken by another program: stop it, or set gateway.listen to another port`,
  },
  {
    pattern: /bind: can(?:no|')t assign requested address/,
    reason: ({ listen }) =>
      `${listen} is not an address of this machine: set gateway.listen to every address (:80) or to one of its own`,
  },
  {
    pattern: /listen tcp: lookup \S+.*no such host/,
    reason: ({ listen }) =>
      `the host in gateway.listen, ${listen}, is unknown: set an address of this machine`,
  },
]

/** Traefik ends a failed start with this line and status 1. With a broken static file the line is JSON (seen). */
const commandError = /command traefik error: (.*?)"?(?:,"time".*)?$/

export const explainTraefikExit = (
  report: ExitReport,
  surroundings: TraefikSurroundings,
): ExitExplanation => {
  if (report.signal !== null) return explainSignal('Traefik', report.signal)
  // It colours its output even in a file.
  const lines = report.logTail.map((line) => stripVTControlCharacters(line).trimEnd())
  const said = lines.flatMap((line) => commandError.exec(line)?.[1] ?? []).at(-1)
  if (said !== undefined) {
    const symptom = symptoms.find(({ pattern }) => pattern.test(said))
    if (symptom !== undefined)
      return { reason: `Traefik ended: ${symptom.reason(surroundings)} (${said})`, permanent: true }
  }
  // Status 0 means only that it was asked to end (SIGTERM on 3.7.15); earlier provider errors are not the reason.
  if (report.exitCode === 0)
    return {
      reason: 'Traefik was stopped by something other than Nexus and shut down normally',
      permanent: false,
    }
  const how = report.exitCode === null ? 'Traefik ended' : `Traefik ended with exit status ${report.exitCode}`
  const last = said ?? lines.findLast((line) => / (?:ERR|FTL) |"level":"(?:error|fatal)"/.test(line))
  return {
    reason: last === undefined ? `${how}; its log does not say why` : `${how}: ${last}`,
    permanent: false,
  }
}
