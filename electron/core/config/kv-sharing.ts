// Decides whether the slots share one pool of context or get separate shares, if the profile says `auto`. Pure.
import type { Profile, WrittenProfile } from '../../contract/profile.ts'

/** Whether the Router limits requests and tokens before they reach llama-server. */
export const isAdmissionOn = ({ proxy }: Pick<Profile, 'proxy'>): boolean =>
  proxy.configPath === null && proxy.admission !== false

/**
 * Why the slots can't share one pool; null: they can.
 * A full pool fails every running request (measured: "Context size has been exceeded.", 500 for all), so their sum must be
 * limited. This Router does that, but only for its own machine.
 */
export const whyNoPool = ({ proxy, nodes = [] }: Pick<Profile, 'proxy' | 'nodes'>): string | null => {
  if (proxy.configPath !== null)
    return 'your own LiteLLM configuration (proxy.configPath) does not guard a pool'
  if (!isAdmissionOn({ proxy }))
    return 'the Router’s admission, which guards a pool, is off (proxy.admission)'
  if (nodes.length > 0)
    return 'requests also go to other Studios (nodes), whose pools this Router does not guard'
  return null
}

/** The profile with `auto` decided. */
export const settleKvSharing = (written: WrittenProfile): Profile => {
  const { unifiedKv } = written.llamaServer
  return {
    ...written,
    llamaServer: {
      ...written.llamaServer,
      unifiedKv: unifiedKv === 'auto' ? whyNoPool(written) === null : unifiedKv,
    },
  }
}
