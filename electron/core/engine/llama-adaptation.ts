// One difference between our llama-server command line and the start script's ("the seed"), with its reason.

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

export interface Adaptation {
  readonly code: AdaptationCode
  readonly flag: string
  /** null: not in the seed's line. */
  readonly seed: string | null
  /** null: not passed. */
  readonly ours: string | null
  readonly reason: string
}
