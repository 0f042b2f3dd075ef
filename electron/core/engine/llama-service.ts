// llama-server as a service: what to run, how to tell that it is ready, why it exited.

import { constants, statSync } from 'node:fs'
import type { Profile } from '../../contract/profile.ts'
import { askHttp, describeFetchFailure } from '../base/http-ask.ts'
import { localUrl } from '../base/local-url.ts'
import { mayAccess } from '../base/regular-file.ts'
import type { ChildService, LaunchSpec, ProbeResult } from '../supervise/child-service.ts'
import { rememberReady } from '../supervise/seen-ready.ts'
import { readChatTemplateChoice } from './chat-template.ts'
import { planLlamaArgv } from './llama-argv.ts'
import { type CapabilityReading, type LlamaPlatform, llamaServerEnvironment } from './llama-capabilities.ts'
import { explainLlamaExit } from './llama-exit.ts'
import type { SlotCache } from './slot-cache.ts'

export interface LlamaServiceOptions {
  readonly profile: Profile['llamaServer']
  readonly apiKeyPath: string
  readonly platform: LlamaPlatform
  readonly cwd: string
  readonly resourcesDir: string
  readonly slotCache?: SlotCache | null
  /** When there is none, throws an Error that says how to get it. */
  readonly locateBinary: () => string
  readonly readCapabilities: (binaryPath: string) => Promise<CapabilityReading>
}

export const createLlamaService = (options: LlamaServiceOptions): ChildService => {
  const { profile } = options
  const baseUrl = localUrl(profile.host, profile.port)
  const ready = rememberReady((signal) => probeLlamaServer(baseUrl, signal))
  return {
    id: 'llamaServer',
    port: profile.port,
    endpoint: baseUrl,
    prepare: async (): Promise<LaunchSpec> => {
      ready.forget()
      checkModelFile('llamaServer.modelPath', profile.modelPath)
      if (profile.draftModelPath !== null)
        checkModelFile('llamaServer.draftModelPath', profile.draftModelPath)
      const binaryPath = options.locateBinary()
      const reading = await options.readCapabilities(binaryPath)
      if (reading.kind === 'failed') throw new Error(reading.reason)
      const { capabilities } = reading
      const plan = planLlamaArgv({
        profile,
        capabilities,
        apiKeyPath: options.apiKeyPath,
        binaryPath,
        chatTemplate: await readChatTemplateChoice(profile, options.resourcesDir),
        slotCache: options.slotCache ?? null,
      })
      if (plan.kind === 'impossible') throw new Error(plan.reasons.join(' '))
      return { argv: plan.argv, env: llamaServerEnvironment(binaryPath, options.platform), cwd: options.cwd }
    },
    probe: ready.probe,
    explainExit: (report) => explainLlamaExit(report, ready.current()),
  }
}

const checkModelFile = (key: string, path: string): void => {
  if (!mayAccess(path, constants.R_OK))
    throw new Error(`${key}: ${path} is missing or not readable by this user`)
  if (!statSync(path).isFile()) throw new Error(`${key}: ${path} is not a file`)
}

/**
 * GET /health needs no key and answers within 10 ms even during a prefill (measured). While the model loads it answers
 * 503 "Loading model"; a 75 GB file takes minutes.
 */
export const probeLlamaServer = async (baseUrl: string, signal: AbortSignal): Promise<ProbeResult> => {
  try {
    const response = await askHttp(`${baseUrl}/health`, { signal, maxBytes: 0 })
    if (response.ok) return { state: 'ready' }
    return response.status === 503
      ? { state: 'loading', detail: 'loading the model' }
      : { state: 'unreachable', detail: `/health answered ${response.status}` }
  } catch (error) {
    return { state: 'unreachable', detail: `no answer: ${describeFetchFailure(error)}` }
  }
}
