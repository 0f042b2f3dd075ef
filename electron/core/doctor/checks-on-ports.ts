// Checks on the two ports: free, ours or taken, and whether the network gets in without a key.
import { createServer } from 'node:net'
import { type SupervisedId, serviceNames } from '../../contract/service-ids.ts'
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { within } from '../base/deadline.ts'
import { askHttp } from '../base/http-ask.ts'
import { isErrno } from '../base/private-file.ts'
import type { ProcessTable } from '../platform/platform.ts'
import { readInstalledLiteLlm } from '../setup/litellm.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import { describePortTaken, portSetting } from '../supervise/port-taken.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict } from './check.ts'
import { profilePlace } from './checks-on-config.ts'
import type { DoctorFacts } from './facts.ts'
import { type FirewallReading, letAnyInCommand, letInCommand, readFirewall } from './mac-firewall.ts'

/** The services that check keys at their own ports; the gateway forwards the Router's answer. */
export type KeyedService = Exclude<SupervisedId, 'gateway'>

export interface PortFacts {
  readonly service: SupervisedId
  readonly host: string
  readonly port: number
  /** The process that listens there; null when there is none. */
  readonly owner: ForeignProcess | null
  /** Our live process of this service and its group; empty when there is none. */
  readonly ownPids: readonly number[]
  /** Result of trying to listen there; null when not tried, because the port is taken or our service or core is running. */
  readonly bind: 'free' | 'EADDRINUSE' | 'EACCES' | 'EADDRNOTAVAIL' | 'other' | null
}

export const judgePort = (facts: PortFacts, place: (key: string) => string): Verdict => {
  const { service, host, port, owner, ownPids, bind } = facts
  if (owner !== null) {
    if (owner.pid !== null && ownPids.includes(owner.pid))
      return ok(`${port} is used by our own ${serviceNames[service]} (pid ${owner.pid})`)
    const mend = owner.pid === null ? `sudo lsof -nP -iTCP:${port} -sTCP:LISTEN` : `kill ${owner.pid}`
    return fail(describePortTaken(service, port, owner), mend)
  }
  const other = `Set ${place(portSetting(service))} to another port.`
  switch (bind) {
    case 'free':
      return ok(`${port} is free`)
    case null:
      return ownPids.length === 0
        ? ok(`no process listens on ${port}`)
        : ok(
            `no process listens on ${port} yet; our ${serviceNames[service]} (pid ${ownPids[0]}) is starting`,
          )
    case 'EADDRINUSE':
      return fail(
        `${port} is taken by a process that you may not see`,
        `sudo lsof -nP -iTCP:${port} -sTCP:LISTEN`,
      )
    case 'EACCES':
      return fail(`you may not listen on ${port}: ports below 1024 are reserved for root`, other)
    case 'EADDRNOTAVAIL':
      return fail(
        `${host} is not an address of this machine`,
        service === 'gateway'
          ? `Set ${place('gateway.listen')} to :${port} (every address).`
          : `Set ${place(`${service}.host`)} to 127.0.0.1 or 0.0.0.0.`,
      )
    case 'other':
      return unknown(`no process was found on ${port}, but listening there failed`)
  }
}

/** Listens briefly to see whether the system would let a server do so. */
const tryBind = (host: string, port: number): Promise<PortFacts['bind']> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error) => {
      const known = (['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'] as const).find((code) => isErrno(error, code))
      resolve(known ?? 'other')
    })
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('free')))
  })

export const readPort = async (
  service: SupervisedId,
  { host: bound, port }: { readonly host: string | readonly string[]; readonly port: number },
  processes: ProcessTable,
  facts: Pick<DoctorFacts, 'running' | 'core'>,
): Promise<PortFacts> => {
  const [owner, running, core] = await Promise.all([
    processes.readPortOwner(port),
    facts.running(),
    facts.core(),
  ])
  const own = running.find((entry) => entry.service === service)
  const ownPids = own === undefined ? [] : [own.pid, ...(await processes.readGroupMembers(own.pid))]
  // Not while a core might be starting a server on this port.
  const mayTry = owner === null && own === undefined && core.kind === 'none'
  const known = { service, port, owner, ownPids }
  const hosts = [bound].flat()
  const [first = ''] = hosts
  if (!mayTry) return { ...known, host: first, bind: null }
  for (const host of hosts) {
    const bind = await tryBind(host, port)
    if (bind !== 'free') return { ...known, host, bind }
  }
  return { ...known, host: first, bind: 'free' }
}

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

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])
export const isLoopback = (host: string): boolean => loopback.has(host) || host.startsWith('127.')

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

const readAsksForKey = async (
  service: KeyedService,
  context: DoctorContext,
  facts: DoctorFacts,
): Promise<boolean | null> => {
  // Unknown: the user's own config.yaml decides.
  if (service === 'proxy') return context.chosen.profile.proxy.configPath === null ? true : null
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
  { platform }: DoctorContext,
  host: string,
  facts: DoctorFacts,
): Promise<readonly string[]> =>
  platform.id === 'darwin' && !isLoopback(host)
    ? [host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host]
    : facts.lanAddresses()

const readFirewallOf = async (
  service: KeyedService,
  { platform, run, chosen, resourcesDir, folder }: DoctorContext,
): Promise<FirewallReading | null> => {
  if (platform.id !== 'darwin') return null
  const program =
    service === 'proxy'
      ? (await readInstalledLiteLlm(folder.runtimeDir).catch(() => null))?.pythonPath
      : locateLlamaServer({
          configuredPath: chosen.profile.llamaServer.binaryPath,
          resourcesDir,
          runtimeDir: folder.runtimeDir,
        })?.path
  return program === undefined ? null : readFirewall(run, program)
}

/** Shorter than the overall deadline, so one unanswered request doesn't cost the check its verdict. */
const shortMs = 1_500

export const checksOnPorts = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] =>
  (['llamaServer', 'proxy'] as const).flatMap((service) => {
    const { host: bound, port } = context.chosen.profile[service]
    // What lets the most in.
    const host = [bound].flat().find((one) => !isLoopback(one)) ?? [bound].flat()[0] ?? ''
    const place = (key: string) => profilePlace(context, key)
    return [
      {
        id: `ports.${service}`,
        group: 'Ports and keys',
        title: `${serviceNames[service]} port`,
        why: 'a server cannot start on a port that is taken',
        read: async () =>
          judgePort(await readPort(service, { host: bound, port }, context.platform.processes, facts), place),
      },
      {
        id: `reach.${service}`,
        group: 'Ports and keys',
        title: `${serviceNames[service]} reach`,
        why: 'anyone who gets in can read what agents send and use the machine',
        read: async (signal) => {
          const [[address], asksForKey, firewall] = await Promise.all([
            readAskedAddresses(context, host, facts),
            readAsksForKey(service, context, facts),
            isLoopback(host) ? null : readFirewallOf(service, context),
          ])
          const withoutKey =
            address === undefined
              ? null
              : await tryWithoutKey(
                  service,
                  address,
                  port,
                  AbortSignal.any([signal, AbortSignal.timeout(shortMs)]),
                )
          return judgeReach({ service, host, port, asksForKey, withoutKey, firewall }, place)
        },
      },
    ] satisfies readonly CheckSource[]
  })
