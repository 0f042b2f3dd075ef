// The Router of one profile: LiteLLM supervised, warmed while the model loads, and its feed of live requests.
import type { Keys } from '../access/keys.ts'
import { warmLiteLlm } from '../router/litellm-health.ts'
import { createLiteLlmService } from '../router/litellm-service.ts'
import { createCacheEvents, createRouterFeed } from '../router/router-feed.ts'
import { readInstalledLiteLlm } from '../setup/litellm.ts'
import { nameProcess } from '../supervise/ledger.ts'
import { type SupervisedChild, superviseChild } from '../supervise/supervised-child.ts'
import type { AssemblyOptions } from './assembly-options.ts'

const warmTimeoutMs = 30_000

/** @param ownKey accepted by this Router. @param engineLoads whether the model is being loaded */
export const assembleRouter = (
  options: AssemblyOptions,
  {
    keys,
    ownKey,
    engineLoads,
  }: { readonly keys: Keys; readonly ownKey: string; readonly engineLoads: () => boolean },
) => {
  const { folder } = options
  const service = createLiteLlmService({
    ...options,
    proxyDir: folder.proxyDir,
    parkedDir: folder.parkedDir,
    feedPath: folder.feedSocketPath,
    keys,
    readInstalled: () => readInstalledLiteLlm(folder.runtimeDir),
  })
  const feed = createRouterFeed({
    socketPath: folder.feedSocketPath,
    onChange: options.onChange,
    onCacheEvent: createCacheEvents(options.note),
  })
  let warmed: string | null = null
  const onChange = () => {
    const serving = supervisor.serving()
    if (serving !== null) {
      feed.connect()
      const name = nameProcess(serving)
      // If the Router is ready while the model loads, pay the cost of its first message (about 1 s) now. An adopted one is warm.
      if (name !== warmed && !supervisor.state().adopted && engineLoads()) {
        warmed = name
        void warmLiteLlm(service.endpoint, ownKey, AbortSignal.timeout(warmTimeoutMs))
      }
    }
    options.onChange()
  }
  const supervisor: SupervisedChild = superviseChild({ ...options, onChange }, service)
  return { service, supervisor, feed }
}
