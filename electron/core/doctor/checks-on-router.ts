// Checks on the Router: the installed LiteLLM, the host name that clients use, whether conversations keep their slots; and whether
// the core reaches the profile's other Studios.
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { NodeProfile } from '../../contract/profile.ts'
import type { StudioNode } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { isLoopback } from '../base/local-url.ts'
import { isErrno } from '../base/private-file.ts'
import { clientName, hostsLine, hostsPaths, readGatewayAddress } from '../config/gateway-address.ts'
import { doesNotRestoreText, readDoesNotRestore } from '../engine/engine-record.ts'
import { slotCacheOf } from '../engine/slot-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { describeFailure } from '../platform/run-command.ts'
import { probeLiteLlm } from '../router/litellm-health.ts'
import { localNetworkAdvice } from '../router/nodes/studio-nodes.ts'
import { isLiteLlmInstalled, readInstalledLiteLlm, readPinnedLiteLlm } from '../setup/litellm.ts'
import { type CheckSource, fail, ok, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

type NameFacts = Awaited<ReturnType<typeof readName>>

export const judgeName = (facts: NameFacts): Verdict => {
  const { address, ownAddresses, routerRuns, gatewayUrl, answeredAt } = facts
  const target = ownAddresses[0] ?? '127.0.0.1'
  const hosts = `echo '${hostsLine(target)}' | sudo tee -a ${hostsPaths.unix}`
  if (address === null) return warn(`${clientName} does not resolve on this machine`, hosts)
  const isHere = isLoopback(address) || ownAddresses.includes(address)
  if (!isHere)
    return warn(
      `${clientName} is ${address}, which is not this machine (${ownAddresses.join(', ') || 'no network address'})`,
      `Change the address of ${clientName} in ${hostsPaths.unix} to ${target}.`,
    )
  if (gatewayUrl !== null && routerRuns && !answeredAt.includes(gatewayUrl))
    return warn(
      `${clientName} is ${address}, but the Router does not answer at ${gatewayUrl}, its gateway`,
      'nexus logs gateway',
    )
  if (answeredAt.length > 0) {
    const withoutPort =
      gatewayUrl !== null || answeredAt.includes(`http://${clientName}`)
        ? ''
        : '; a URL without the port needs Traefik (gateway.listen in the profile, or nexus traefik)'
    return ok(`${clientName} is ${address}; the Router answers at ${answeredAt.join(' and ')}${withoutPort}`)
  }
  return routerRuns
    ? warn(`${clientName} is ${address}, but the Router does not answer under that name`, 'nexus logs proxy')
    : ok(`${clientName} is ${address}, this machine; the Router is not running`)
}

/** The environment links to the system's Python, which an upgrade may have removed. */
export const readLiteLlm = async ({
  folder: { runtimeDir },
  resourcesDir,
  upCommand,
  run,
}: Pick<DoctorFacts, 'folder' | 'resourcesDir' | 'upCommand' | 'run'>): Promise<Verdict> => {
  const isAsPinned = await isLiteLlmInstalled({ runtimeDir, resourcesDir })
  const installed = await readInstalledLiteLlm(runtimeDir).catch(messageOf)
  // A release that is known to be bad.
  if (typeof installed === 'string')
    return fail(installed, `rm -rf ${quoteForShell(join(runtimeDir, 'litellm'))} && ${upCommand}`)
  if (installed === null) return fail('LiteLLM is not installed', upCommand)
  const { version, pythonPath } = installed
  const asked = await run([pythonPath, '--version'], { timeoutMs: 2_000 })
  const python = asked.kind === 'exited' ? /^Python \d+\.\d+\S*/m.exec(asked.stdout)?.[0] : undefined
  if (python === undefined)
    return fail(`${version}, whose Python does not run: ${describeFailure(asked)}`, upCommand)
  return isAsPinned
    ? ok(`${version}, the pinned release, on ${python}`)
    : warn(
        `${version} on ${python}; ${await readPinnedLiteLlm(resourcesDir)} with the packages of its lock is pinned`,
        upCommand,
      )
}

const readName = async (facts: DoctorFacts, signal: AbortSignal) => {
  const [address, ownAddresses, running] = await Promise.all([
    lookup(clientName, { family: 4 }).then(
      (found) => found.address,
      (error: unknown) => {
        // Any other error must not pass for "no such name".
        if (isErrno(error, 'ENOTFOUND') || isErrno(error, 'ENODATA')) return null
        throw error
      },
    ),
    facts.lanAddresses(),
    facts.running(),
  ])
  const routerRuns = running.some(({ service }) => service === 'proxy')
  const { gateway = null, proxy } = facts.chosen.profile
  const gatewayUrl = gateway === null ? null : readGatewayAddress(gateway.listen).endpoint
  const urls = [gatewayUrl ?? `http://${clientName}`, `http://${clientName}:${proxy.port}`]
  const answers =
    address === null || !routerRuns ? [] : await Promise.all(urls.map((url) => probeLiteLlm(url, signal)))
  return {
    /** The name's address on this machine; null when it does not resolve. */
    address,
    ownAddresses,
    routerRuns,
    /** The gateway's URL under the name; null: no gateway. */
    gatewayUrl,
    /** URLs under the name at which LiteLLM answered. */
    answeredAt: urls.filter((_, index) => answers[index]?.state === 'ready'),
  }
}

/**
 * @param doesNotRestore the Router noticed that this llama-server loads the files but restores nothing from them
 * @param fullSlidingCache `--swa-full`: sliding layers keep the whole context
 */
export const judgeParked = (doesNotRestore: boolean, fullSlidingCache: boolean): Verdict => {
  if (!doesNotRestore) return ok('pinned to their slots, and parked in files when they leave them')
  return warn(
    doesNotRestoreText,
    fullSlidingCache
      ? null
      : 'If the model uses sliding-window attention (Gemma), add "--swa-full" to llamaServer.pinnedFlags; it needs more memory (nexus plan). Hybrid models have no such option.',
  )
}

export interface NodeFacts {
  readonly node: Pick<NodeProfile, 'name' | 'host' | 'port'>
  /** Result of connecting from this process: `reached`, a code such as EHOSTUNREACH, or `no answer`. */
  readonly fromHere: string
  /** The core's view of it; null when no core runs. */
  readonly fromCore: Pick<StudioNode, 'phase' | 'reason'> | null
}

const judgeNode = ({ node, fromHere, fromCore }: NodeFacts, isMac: boolean): Verdict => {
  const { name, host, port } = node
  const place = `${name} (${host}:${port})`
  if (fromHere === 'reached' && fromCore?.phase === 'unreachable')
    return isMac && fromCore.reason?.includes('EHOSTUNREACH') === true
      ? warn(
          `${place} is reachable from here, but not from the core: macOS denies it the local network`,
          'Allow it in System Settings, Privacy & Security, Local Network, or start the core from Terminal: nexus restart.',
        )
      : warn(
          `${place} is reachable from here, but not from the core: ${fromCore.reason ?? 'no reason given'}`,
          'nexus logs core',
        )
  if (fromHere === 'reached') return ok(`${place} is reachable`)
  if (fromCore !== null && fromCore.phase !== 'unreachable')
    return ok(`${place} is reachable from the core (not from here: ${fromHere})`)
  const privacy = isMac && fromHere === 'EHOSTUNREACH' ? `; ${localNetworkAdvice(process.execPath)}` : ''
  return warn(`${place} is unreachable: ${fromHere}${privacy}`, `nc -vz ${host} ${port}`)
}

/** Lists the unreachable nodes with a fix for the first; lists all nodes when every one is reachable. */
export const judgeNodes = (all: readonly NodeFacts[], isMac: boolean): Verdict => {
  const verdicts = all.map((facts) => judgeNode(facts, isMac))
  const wrong = verdicts.filter(({ level }) => level !== 'ok')
  const [first] = wrong
  return first === undefined
    ? ok(verdicts.map(({ found }) => found).join('; '))
    : warn(wrong.map(({ found }) => found).join('; '), first.mend)
}

export const tryConnect = (host: string, port: number, signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, signal })
    socket.once('connect', () => {
      resolve('reached')
      socket.destroy()
    })
    socket.once('error', (error) => {
      const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message
      resolve(signal.aborted ? 'no answer' : code)
    })
  })

const connectMs = 1_500

export const checksOnRouter: readonly CheckSource[] = [
  {
    id: 'router.litellm',
    title: 'LiteLLM',
    why: 'releases of it have been compromised, so only the pinned one is known to be good',
    read: readLiteLlm,
  },
  {
    id: 'router.name',
    title: clientName,
    why: 'clients that use this name cannot connect without it; names in .local may never reach a DNS server, so each machine needs the hosts line',
    read: async (facts, signal) => {
      const name = await readName(facts, signal)
      // A Router that is only local needs no name, unless one is set up (Traefik may be in front).
      const isNeeded =
        name.address !== null || name.gatewayUrl !== null || !isLoopback(facts.chosen.profile.proxy.host)
      return isNeeded ? judgeName(name) : null
    },
  },
  {
    id: 'router.conversations',
    title: 'Conversations',
    why: 'rereading a conversation takes a 70B model minutes, every turn',
    read: async ({ chosen: { profile }, folder }) => {
      const cache = slotCacheOf(profile, folder.parkedDir)
      // A switch that is off is a finding of clients.mends.
      if (cache === null) return null
      return cache.parked === null
        ? ok('pinned to their slots; parking in files is off (llamaServer.parkedCacheMiB)')
        : judgeParked(readDoesNotRestore(folder), plannedServer(profile.llamaServer).fullSlidingCache)
    },
  },
  {
    id: 'nodes.reach',
    title: 'Other Studios',
    why: 'an unreachable Studio takes no requests, so the others must serve its share',
    read: async ({ chosen, platform, core }, signal) => {
      const nodes = chosen.profile.nodes ?? []
      if (nodes.length === 0) return null
      const soon = AbortSignal.any([signal, AbortSignal.timeout(connectMs)])
      const known = core().then((reading) => (reading.kind === 'attached' ? reading.snapshot.nodes : []))
      const facts = nodes.map(async (node) => ({
        node,
        fromHere: await tryConnect(node.host, node.port, soon),
        fromCore: (await known).find(({ name }) => name === node.name) ?? null,
      }))
      return judgeNodes(await Promise.all(facts), platform.id === 'darwin')
    },
  },
]
