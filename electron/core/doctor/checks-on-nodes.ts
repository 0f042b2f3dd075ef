// The check on the profile's other Studios: whether the core reaches each, and if not, whether macOS blocks it.
import { connect } from 'node:net'
import type { NodeProfile } from '../../contract/profile.ts'
import type { StudioNode } from '../../contract/snapshot.ts'
import { localNetworkAdvice } from '../router/nodes/studio-nodes.ts'
import { type CheckSource, ok, type Verdict, warn } from './check.ts'

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

export const checksOnNodes: readonly CheckSource[] = [
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
