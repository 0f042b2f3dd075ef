// What a model keeps of each token and of each sequence.

export interface KvLayer {
  /** Numbers stored per cell: KV heads x head size. */
  readonly keyValues: number
  /** 0 if values aren't stored: compressed keys (MLA), index keys. */
  readonly valueValues: number
  /** The size of one head; must be a multiple of the cache type's block size. */
  readonly keyHeadValues: number
  readonly valueHeadValues: number
  readonly slides: boolean
  /** 1, or more for compressed caches. */
  readonly tokensPerCell: number
}

/** A layer of `heads` with keys and values of these sizes; 0 values: they aren't stored. */
export const kvLayer = (
  heads: number,
  keyHeadValues: number,
  valueHeadValues: number,
  { slides = false, tokensPerCell = 1 }: Partial<Pick<KvLayer, 'slides' | 'tokensPerCell'>> = {},
): KvLayer => ({
  keyValues: heads * keyHeadValues,
  valueValues: heads * valueHeadValues,
  keyHeadValues,
  valueHeadValues,
  slides,
  tokensPerCell,
})

/** f32 numbers per slot, independent of the context's length. */
export interface SequenceState {
  readonly layers: number
  readonly valuesPerSlot: number
}

export interface KnownKvShape {
  readonly kind: 'known'
  /** Layers with a cache, and caches of index keys as layers of their own. */
  readonly layers: readonly KvLayer[]
  readonly windowTokens: number | null
  /** null: no layer is recurrent. */
  readonly state: SequenceState | null
  /** Each slot has its own cache even if a pool is requested (`-kvu`). */
  readonly alwaysSplit: boolean
  /** A note for the reader, such as a difference between builds. */
  readonly remark: string | null
}
