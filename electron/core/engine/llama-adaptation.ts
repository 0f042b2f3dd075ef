// One difference between our llama-server command line and the seed's, with its reason.

type AdaptationCode =
  | 'api-key'
  | 'alias'
  | 'batch'
  | 'chat-template'
  | 'context-split'
  | 'draft-gpu-layers'
  | 'draft-kv-type'
  | 'draft-left-out'
  | 'flash-attention'
  | 'host'
  | 'idle-slots'
  | 'jinja'
  | 'log-colors'
  | 'log-level'
  | 'metrics'
  | 'not-in-this-build'
  | 'offline'
  | 'pinned'
  | 'prompt-cache'
  | 'sampling'
  | 'slot-files'
  | 'slot-similarity'
  | 'slots-endpoint'
  | 'speculation'
  | 'unified-kv'
  | 'web-ui'

/** One difference from the seed's literal line. */
export interface Adaptation {
  readonly code: AdaptationCode
  readonly flag: string
  /** What the seed's line has; null when it has nothing. */
  readonly seed: string | null
  /** What we pass; null when we leave it out. */
  readonly ours: string | null
  readonly reason: string
}
