// Checks on who gets in: whether the network reaches a port, with a key or without, and whether a Mac's firewall lets it.
import { type SupervisedId, serviceNames } from '../../contract/service-ids.ts'
import { within } from '../base/first-of.ts'
import { askHttp } from '../base/http-ask.ts'
import { isLoopback } from '../base/local-url.ts'
import { isErrno } from '../base/private-file.ts'
import { readInstalledLiteLlm } from '../setup/litellm.ts'
import { type CheckSource, fail, ok, unknown, type Verdict } from './check.ts'
import type { DoctorFacts } from './facts.ts'
import { type FirewallReading, letAnyInCommand, letInCommand, readFirewall } from './mac-firewall.ts'

/** The services that check keys at their own ports; the gateway forwards the Router's answer. */
export type KeyedService = Exclude<SupervisedId, 'gateway'>

export interface ReachFacts {
  readonly service: KeyedService
  readonly host: string
  readonly port: number
  /** Whether the planned server requires a key; null when unknown. */
  readonly asksForKey: boolean | null
  /** Result of a request without a key to this machine's LAN address, see readAskedAddresses; null when it has none. */
  readonly withoutKey: 'refused' | 'answered' | 'other-answer' | 'no-connection' | 'no-answer' | null
  /** A Mac's firewall, which connections from the machine itself bypass; absent elsewhere. */
  readonly firewall?: FirewallReading | null
}

export const judgeReach = (facts: ReachFacts, place: (key: string) => string): Verdict => {
  const { service, host, port, asksForKey, withoutKey } = facts
  const close = `Set ${place(`${service}.host`)} to 127.0.0.1, or stop what listens there: nexus down.`
  if (withoutKey === 'answered')
    return fail(
      isLoopback(host)
        ? `port ${port} answers requests from the network without a key`
        : `port ${port}, which the profile opens to the network, answers requests without a key`,
      'Stop what listens there, or make it listen only on 127.0.0.1.',
    )
  if (isLoopback(host)) {
    return withoutKey === 'refused' || withoutKey === 'other-answer'
      ? fail(`the profile says ${host}, but port ${port} can be reached from the network`, close)
      : ok(`${host}:${port}: only programs on this machine`)
  }
  const shut = judgeFirewall(facts.firewall ?? null, service, port)
  // A server without a key fails even behind a firewall: the next rule may open it.
  if (shut !== null && asksForKey !== false) return shut
  const reach = `${host}:${port}: everyone on the network`
  if (withoutKey === 'refused') return ok(`${reach}, with a key (tried without one: refused)`)
  if (asksForKey === false) return fail(`${reach}, without a key`, close)
  if (asksForKey === null || withoutKey === 'no-answer' || withoutKey === 'other-answer')
    return unknown(`${reach}; could not find out whether it requires a key`)
  return ok(`${reach}, with a key once it runs`)
}

/** null when no firewall blocks the port. */
const judgeFirewall = (
  firewall: FirewallReading | null,
  service: KeyedService,
  port: number,
): Verdict | null => {
  const name = serviceNames[service]
  switch (firewall?.kind) {
    case undefined:
    case 'off':
      return null
    case 'blocks-all':
      return fail(
        `the firewall of this Mac blocks all incoming connections, so port ${port} is unreachable`,
        letAnyInCommand,
      )
    case 'unknown':
      return unknown(
        `could not find out whether the firewall of this Mac lets port ${port} through: ${firewall.reason}`,
      )
    case 'program':
      break
  }
  const { program, rule } = firewall
  switch (rule) {
    case 'permitted':
      return null
    case 'blocked':
      return fail(
        `the firewall of this Mac blocks the ${name} (${program}), so port ${port} is unreachable`,
        letInCommand(program),
      )
    case 'not-listed':
      return unknown(
        `the firewall of this Mac is on and does not list the ${name} (${program}), as after every update of that program: only another machine can tell whether port ${port} is reachable`,
        letInCommand(program),
      )
  }
}

/** Paths that require the key and don't involve the model. */
const guardedPath: Readonly<Record<KeyedService, string>> = { llamaServer: '/slots', proxy: '/v1/models' }

export const tryWithoutKey = async (
  service: KeyedService,
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<ReachFacts['withoutKey']> => {
  try {
    const response = await askHttp(`http://${address}:${port}${guardedPath[service]}`, {
      signal,
      maxBytes: 0,
    })
    if (response.ok) return 'answered'
    // Another program's 404 doesn't mean that it requires a key.
    return response.status === 401 || response.status === 403 ? 'refused' : 'other-answer'
  } catch (error) {
    return isErrno(error, 'ECONNREFUSED') || isErrno(error, 'EHOSTUNREACH') ? 'no-connection' : 'no-answer'
  }
}

const readAsksForKey = async (service: KeyedService, facts: DoctorFacts): Promise<boolean | null> => {
  // Unknown: the user's own config.yaml decides.
  if (service === 'proxy') return facts.chosen.profile.proxy.configPath === null ? true : null
  const plan = await within(
    facts.enginePlan().catch(() => null),
    shortMs,
  )
  return plan?.argv?.some((word) => word === '--api-key-file' || word === '--api-key') ?? null
}

/**
 * Where to try a request without a key. On a Mac the LAN address proves no more than loopback, because the firewall filters only
 * other machines; so the LAN address is tried there only for servers that should be local.
 */
const readAskedAddresses = async (
  { platform, lanAddresses }: DoctorFacts,
  host: string,
): Promise<readonly string[]> =>
  platform.id === 'darwin' && !isLoopback(host)
    ? [host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host]
    : lanAddresses()

const readFirewallOf = async (
  service: KeyedService,
  { platform, run, folder, llamaServer }: DoctorFacts,
): Promise<FirewallReading | null> => {
  if (platform.id !== 'darwin') return null
  const program =
    service === 'proxy'
      ? (await readInstalledLiteLlm(folder.runtimeDir).catch(() => null))?.pythonPath
      : llamaServer()?.path
  return program === undefined ? null : readFirewall(run, program)
}

/** Shorter than the overall deadline, so one unanswered request doesn't cost the check its verdict. */
const shortMs = 1_500

export const checksOnReach = (['llamaServer', 'proxy'] as const).map(
  (service): CheckSource => ({
    id: `reach.${service}`,
    title: `${serviceNames[service]} reach`,
    why: 'anyone who gets in can read what agents send and use the machine',
    read: async (facts, signal) => {
      const { host: bound, port } = facts.chosen.profile[service]
      // What lets the most in.
      const host = [bound].flat().find((one) => !isLoopback(one)) ?? [bound].flat()[0] ?? ''
      const [[address], asksForKey, firewall] = await Promise.all([
        readAskedAddresses(facts, host),
        readAsksForKey(service, facts),
        isLoopback(host) ? null : readFirewallOf(service, facts),
      ])
      const soon = AbortSignal.any([signal, AbortSignal.timeout(shortMs)])
      const withoutKey = address === undefined ? null : await tryWithoutKey(service, address, port, soon)
      return judgeReach({ service, host, port, asksForKey, withoutKey, firewall }, facts.place)
    },
  }),
)
