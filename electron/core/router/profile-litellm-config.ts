// LiteLLM's configuration for one profile, with the names and limits for clients. Pure; separate from litellm-config, because
// those depend on the memory plan.

import type { Profile } from '../../contract/profile.ts'
import { localUrl } from '../base/local-url.ts'
import { claudeModelName } from './claude-model-name.ts'
import { clientLimits } from './client-limits.ts'
import { buildLiteLlmConfig } from './litellm-config.ts'

export const profileLiteLlmConfig = (profile: Profile): ReturnType<typeof buildLiteLlmConfig> => {
  const { contextTokens, maxOutputTokens } = clientLimits(profile.llamaServer)
  return buildLiteLlmConfig(profile, {
    engineBaseUrl: localUrl(profile.llamaServer.host, profile.llamaServer.port),
    listed: { name: claudeModelName(profile.proxy), contextTokens, maxOutputTokens },
  })
}
