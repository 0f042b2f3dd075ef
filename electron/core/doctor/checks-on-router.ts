// Checks on the Router: the installed LiteLLM, the host name that clients use, whether conversations keep their slots.

import { lookup } from 'node:dns/promises'
import { join } from 'node:path'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { isLoopback } from '../base/local-url.ts'
import { isErrno } from '../base/private-file.ts'
import { clientName, hostsLine, hostsPaths, readGatewayAddress } from '../config/gateway-address.ts'
import { doesNotRestoreText, readDoesNotRestore } from '../engine/parked-verdict.ts'
import { slotCacheOf } from '../engine/slot-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { describeFailure } from '../platform/run-command.ts'
import { probeLiteLlm } from '../router/litellm-health.ts'
import { isLiteLlmInstalled, readInstalledLiteLlm, readPinnedLiteLlm } from '../setup/litellm.ts'
import { type CheckSource, fail, ok, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface NameFacts {
  /** The name's address on this machine; null when it does not resolve. */
  readonly address: string | null
  readonly ownAddresses: readonly string[]
  readonly routerRuns: boolean
  /** The gateway's URL under the name; null: no gateway. */
  readonly gatewayUrl: string | null
  /** URLs under the name at which LiteLLM answered. */
  readonly answeredAt: readonly string[]
}

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

const readName = async (facts: DoctorFacts, signal: AbortSignal): Promise<NameFacts> => {
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
    address,
    ownAddresses,
    routerRuns,
    gatewayUrl,
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
]
