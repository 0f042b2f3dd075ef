// Whether the slots share one pool of context or have shares of their own, where a profile leaves that open. Pure.
import type { Profile, WrittenProfile } from '../../contract/profile.ts'

/** Whether something counts requests and tokens before llama-server gets them. */
export const isAdmissionOn = ({ proxy }: Pick<Profile, 'proxy'>): boolean =>
  proxy.configPath === null && proxy.admission !== false

/**
 * Why the slots get shares of their own although the profile would take one pool; null when nothing speaks against it.
 * A full pool fails every request that runs (measured: "Context size has been exceeded.", 500 for all), so it needs
 * somebody who keeps their sum under it, and that is this Router, for its own machine alone.
 */
export const whyNoPool = ({ proxy, nodes = [] }: Pick<Profile, 'proxy' | 'nodes'>): string | null => {
  if (proxy.configPath !== null)
    return 'a LiteLLM configuration of your own (proxy.configPath) guards no pool'
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
