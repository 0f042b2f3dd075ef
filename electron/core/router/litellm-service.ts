// LiteLLM as a service: what to run, how to tell that it is ready, why it ended.

import { localUrl } from '../base/local-url.ts'
import type { InstalledLiteLlm } from '../setup/litellm.ts'
import { type ChildService, rememberReady } from '../supervise/child-service.ts'
import { explainLiteLlmExit } from './litellm-exit.ts'
import { probeLiteLlm } from './litellm-health.ts'
import { type LiteLlmLaunchInput, planLiteLlmLaunch } from './litellm-launch.ts'

interface LiteLlmServiceOptions extends Omit<LiteLlmLaunchInput, 'pythonPath'> {
  /** null when not installed. Throws for a release that must not run. */
  readonly readInstalled: () => Promise<InstalledLiteLlm | null>
}

export const createLiteLlmService = (options: LiteLlmServiceOptions): ChildService => {
  const { profile } = options
  const baseUrl = localUrl(profile.proxy.host, profile.proxy.port)
  const ready = rememberReady((signal) => probeLiteLlm(baseUrl, signal))
  return {
    id: 'proxy',
    port: profile.proxy.port,
    endpoint: baseUrl,
    prepare: async () => {
      ready.forget()
      const installed = await options.readInstalled()
      if (installed === null) throw new Error('LiteLLM is not installed yet: nexus up installs it')
      return planLiteLlmLaunch({ ...options, pythonPath: installed.pythonPath })
    },
    probe: ready.probe,
    explainExit: (report) => explainLiteLlmExit(report, ready.current()),
  }
}
