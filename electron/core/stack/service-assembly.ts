// Builds the services of one profile and everything that watches them.
import { join } from 'node:path'
import { type CommandedId, logIds } from '../../contract/service-ids.ts'
import { ensureKeys } from '../access/keys.ts'
import { createLogRotation } from '../logs/log-rotation.ts'
import { createStudioNodes } from '../router/nodes/studio-nodes.ts'
import { endForeignServer } from '../supervise/foreign-server.ts'
import { nameProcess } from '../supervise/ledger.ts'
import type { AssemblyOptions } from './assembly-options.ts'
import { assembleEngine } from './engine-assembly.ts'
import { assembleForge } from './forge-assembly.ts'
import { assembleGateway } from './gateway-assembly.ts'
import { checkChain, proofTimeoutMs, proveEndToEnd } from './proof.ts'
import { createProver } from './prover.ts'
import { assembleRouter } from './router-assembly.ts'
import { createStack } from './stack.ts'

/** 16 MiB is about a day of a busy llama-server; each service keeps four such files. */
const logLimits = { maxBytes: 16_777_216, keep: 3 }
/** Four conversations of 20,000 tokens on a 70B model are 7 GB: 4 to 8 s on an SSD. */
const parkWaitMs = 20_000
/** llama-server stays until the next ping of an open stream, up to 30 s (measured). */
const foreignGraceMs = 40_000

export type ServiceAssembly = ReturnType<typeof assembleServices>

export const assembleServices = (options: AssemblyOptions) => {
  const { folder, platform, profile, logError } = options
  const keys = ensureKeys(folder.keysDir, profile.proxy.clientKey)
  /** A user's own LiteLLM configuration doesn't know our key list; it accepts only the one client key. */
  const ownKey = profile.proxy.configPath === null ? keys.proofKey : (keys.clientKey ?? keys.proofKey)
  const engine = assembleEngine(options, { key: keys.engineKey, keyPath: keys.engineKeyPath })
  const engineLoads = () => engine.supervisor.state().phase === 'starting'
  const router = assembleRouter(options, { keys, ownKey, engineLoads })
  const forge = assembleForge(options)
  const gateway = assembleGateway(options, () => router.supervisor.state().phase === 'ready')
  const nodes = createStudioNodes(profile.nodes ?? [], options.onChange)
  const stack = createStack({
    ramDisk: forge.service,
    llamaServer: engine.supervisor,
    proxy: router.supervisor,
    gateway,
  })

  const prover = createProver({
    recordPath: join(folder.root, 'proof.json'),
    servingPair: () => {
      const [llamaServer, proxy] = [engine.supervisor.serving(), router.supervisor.serving()]
      return llamaServer === null || proxy === null
        ? null
        : { llamaServer: nameProcess(llamaServer), proxy: nameProcess(proxy) }
    },
    prove: (signal) =>
      proveEndToEnd({
        baseUrl: router.service.endpoint,
        apiKey: ownKey,
        model: profile.proxy.modelName,
        signal,
        timeoutMs: proofTimeoutMs,
      }),
    check: (signal) =>
      checkChain({
        proxyBaseUrl: router.service.endpoint,
        clientKey: ownKey,
        engineBaseUrl: engine.service.endpoint,
        engineKey: keys.engineKey,
        signal,
      }),
    onChange: options.onChange,
    logError,
  })

  const rotations = logIds
    .filter((id) => id !== 'gateway' || gateway.supervisor !== null)
    .map((id) => createLogRotation({ path: folder.logPath(id), ...logLimits, onError: logError }).connect())

  return {
    profileName: options.profileName,
    profile,
    stack,
    prover,
    engine,
    routerFeed: router.feed,
    nodes,
    sources: {
      engine: engine.source,
      healthChecks: () =>
        [engine.supervisor, router.supervisor, gateway.supervisor].flatMap(
          (supervisor) => supervisor?.healthCheck() ?? [],
        ),
      ramDisk: forge.read,
      nodes: nodes.read,
      recheckProof: async () => {
        const broken = await prover.recheck()
        if (broken?.kind === 'unanswered')
          router.supervisor.reportHealth({ state: 'unreachable', detail: broken.reason })
      },
    },
    /** Ends foreign servers on the ports of the named services. Returns why one is still there, or null. */
    endForeign: async (ids: readonly CommandedId[]): Promise<string | null> => {
      for (const { id, part } of [
        { id: 'llamaServer', part: engine },
        { id: 'proxy', part: router },
      ] as const) {
        const { phase } = part.supervisor.state()
        if (!ids.includes(id) || (phase !== 'stopped' && phase !== 'failed')) continue
        const { port } = part.service
        const { processes } = platform
        const left = await endForeignServer({ id, port, processes, waitMs: foreignGraceMs })
        if (left !== null) return left
      }
      return null
    },
    untilIdle: engine.untilIdle,
    /** Settles when conversations held only in the AI Engine's memory are saved to files. */
    park: () => router.feed.park(parkWaitMs),
    /** Settles when no mount or eject is under way; everything else is released at once. */
    close: () => {
      for (const end of rotations) end()
      engine.close()
      prover.close()
      router.feed.close()
      return stack.close()
    },
  }
}
