// LiteLLM's configuration for one profile, with what clients of it are told. Pure; apart from litellm-config, because what
// clients are told depends on the memory plan.
import type { Profile } from '../../contract.ts'
import { claudeModelName } from '../clients/claude-settings.ts'
import { clientLimits } from '../clients/client-limits.ts'
import { buildLiteLlmConfig, localUrl } from './litellm-config.ts'

export const profileLiteLlmConfig = (profile: Profile): ReturnType<typeof buildLiteLlmConfig> => {
  const { contextTokens, maxOutputTokens } = clientLimits(profile.llamaServer)
  return buildLiteLlmConfig(profile, {
    engineBaseUrl: localUrl(profile.llamaServer.host, profile.llamaServer.port),
    listed: { name: claudeModelName(profile.proxy), contextTokens, maxOutputTokens },
  })
}
