// Checks on LiteLLM: the installed release, its Python, and the host name that clients use.

import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { readGatewayAddress } from '../config/gateway-address.ts'
import { clientName, hostsLine, hostsPaths } from '../config/host-name.ts'
import { describeFailure } from '../platform/run-command.ts'
import { probeLiteLlm } from '../router/litellm-health.ts'
import { readInstalledLiteLlm, readPinnedVersion } from '../setup/litellm.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import { isLoopback } from './checks-on-ports.ts'
import type { DoctorFacts } from './facts.ts'

export type LiteLlmReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'installed'; readonly version: string; readonly pythonPath: string }
  /** A release known to be bad. */
  | { readonly kind: 'refused'; readonly reason: string }

export const judgeLiteLlm = (
  reading: LiteLlmReading,
  { pinned, dir, up }: { readonly pinned: string; readonly dir: string; readonly up: string },
): Verdict => {
  switch (reading.kind) {
    case 'none':
      return fail('LiteLLM is not installed', up)
    case 'refused':
      return fail(reading.reason, `rm -rf ${quoteForShell(dir)} && ${up}`)
    case 'installed':
      return reading.version === pinned
        ? ok(`${reading.version}, the pinned release`)
        : warn(`${reading.version} is installed, ${pinned} is pinned`, up)
  }
}

/** `says`: output of `python --version`; null when it did not run, with `reason`. */
export const judgePython = (path: string, says: string | null, reason: string, up: string): Verdict => {
  if (says === null) return fail(`${path} does not run: ${reason}`, up)
  const match = /^Python (\d+)\.(\d+)\S*/m.exec(says)
  if (match === null) return unknown(`${path} --version printed "${says.trim().slice(0, 60)}"`)
  const [version, major, minor] = [match[0], Number(match[1]), Number(match[2])]
  // The lock file has wheels for these (see find-python.ts).
  return major === 3 && minor >= 10 && minor <= 14
    ? ok(`${version} (${path})`)
    : fail(`${version} (${path}); 3.10 to 3.14 is needed`, up)
}

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

const readLiteLlm = async (runtimeDir: string): Promise<LiteLlmReading> => {
  try {
    const installed = await readInstalledLiteLlm(runtimeDir)
    return installed === null ? { kind: 'none' } : { kind: 'installed', ...installed }
  } catch (error) {
    return { kind: 'refused', reason: messageOf(error) }
  }
}

const readName = async (
  context: DoctorContext,
  facts: DoctorFacts,
  signal: AbortSignal,
): Promise<NameFacts> => {
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
  const { gateway = null, proxy } = context.chosen.profile
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

export const checksOnRouter = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const { runtimeDir } = context.folder
  return [
    {
      id: 'router.litellm',
      group: 'Router',
      title: 'LiteLLM',
      why: 'releases of it have been compromised, so only the pinned one is known to be good',
      read: async () => {
        const requirements = await readFile(join(context.resourcesDir, 'requirements-litellm.txt'), 'utf8')
        return judgeLiteLlm(await readLiteLlm(runtimeDir), {
          pinned: readPinnedVersion(requirements),
          dir: join(runtimeDir, 'litellm'),
          up: context.upCommand,
        })
      },
    },
    {
      id: 'router.python',
      group: 'Router',
      title: 'Python',
      why: "LiteLLM's environment links to a Python that a system upgrade may remove",
      read: async () => {
        const reading = await readLiteLlm(runtimeDir)
        // --version exits before planted code could run; a bad release is still never started.
        if (reading.kind !== 'installed') return null
        const result = await context.run([reading.pythonPath, '--version'], { timeoutMs: 2_000 })
        const says = result.kind === 'exited' && result.exitCode === 0 ? result.stdout : null
        return judgePython(reading.pythonPath, says, describeFailure(result), context.upCommand)
      },
    },
    {
      id: 'router.name',
      group: 'Router',
      title: clientName,
      why: 'clients that use this name cannot connect without it; names in .local may never reach a DNS server, so each machine needs the hosts line',
      read: async (signal) => {
        const name = await readName(context, facts, signal)
        // A Router that is only local needs no name, unless one is set up (Traefik may be in front).
        const isNeeded =
          name.address !== null || name.gatewayUrl !== null || !isLoopback(context.chosen.profile.proxy.host)
        return isNeeded ? judgeName(name) : null
      },
    },
  ]
}
