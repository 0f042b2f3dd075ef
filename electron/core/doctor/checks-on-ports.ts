// Checks on the ports: free, ours or taken.
import { createServer } from 'node:net'
import { type SupervisedId, serviceNames } from '../../contract/service-ids.ts'
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { isErrno } from '../base/private-file.ts'
import { readGatewayAddress } from '../config/gateway-address.ts'
import type { Platform, ProcessTable } from '../platform/platform.ts'
import { traefikArgv } from '../router/traefik-service.ts'
import { describePortTaken, portSetting } from '../supervise/port-taken.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

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

/** EACCES for this program doesn't mean EACCES for Traefik: its file may have the capability. */
export const judgeGatewayPort = (
  facts: PortFacts,
  place: (key: string) => string,
  { platform, program }: { readonly platform: Platform['id']; readonly program: string },
): Verdict =>
  facts.bind === 'EACCES'
    ? warn(
        `you may not listen on ${facts.port}, unless Traefik itself has the capability`,
        platform === 'darwin'
          ? `Set ${place('gateway.listen')} to :${facts.port}: for ports below 1024, macOS lets users listen only on all addresses at once.`
          : `sudo setcap cap_net_bind_service=+ep ${quoteForShell(program)}`,
      )
    : judgePort(facts, place)

export const checksOnPorts: readonly CheckSource[] = [
  ...(['llamaServer', 'proxy'] as const).map(
    (service): CheckSource => ({
      id: `ports.${service}`,
      title: `${serviceNames[service]} port`,
      why: 'a server cannot start on a port that is taken',
      read: async (facts) => {
        const { chosen, platform, place } = facts
        return judgePort(await readPort(service, chosen.profile[service], platform.processes, facts), place)
      },
    }),
  ),
  {
    id: 'ports.gateway',
    title: 'Gateway port',
    why: 'if another process holds the port, the name without a port leads to that process',
    read: async (facts) => {
      const { chosen, platform, place, folder } = facts
      const { gateway = null } = chosen.profile
      if (gateway === null) return null
      const [program] = traefikArgv(gateway, folder)
      const port = await readPort('gateway', readGatewayAddress(gateway.listen), platform.processes, facts)
      return judgeGatewayPort(port, place, { platform: platform.id, program })
    },
  },
]
