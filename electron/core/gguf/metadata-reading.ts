// Typed access to a GGUF header's metadata; an architecture's own keys have its name as a prefix.
import type { Metadata } from './metadata.ts'

export type MetadataQuestions = ReturnType<typeof askMetadata>

/** LLAMA_MAX_LAYERS is 512: a hostile layer count must not make us allocate a huge list. */
const maxLayers = 512

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

export function askMetadata(values: Metadata) {
  const listOf = (key: string) => {
    const value = values.get(key)
    return typeof value === 'object' && value !== null ? value : null
  }
  const count = (key: string): number | null => {
    const value = values.get(key)
    return typeof value === 'number' && isCount(value) ? value : null
  }
  return {
    isPresent: (key: string): boolean => values.has(key),
    /** Without control characters, because it may be shown on a terminal. */
    text: (key: string): string | null => {
      const value = values.get(key)
      return typeof value === 'string' ? value.replaceAll(/\p{Cc}/gu, '\uFFFD') : null
    },
    /** A whole number >= 0; null when absent or anything else. */
    count,
    /** One number per layer, from a list or from one number for all; null when absent or the list is too short. */
    perLayer: (key: string, layers: number): readonly number[] | null => {
      if (layers < 1 || layers > maxLayers) return null
      const list = listOf(key)?.values ?? null
      if (list !== null) return list.length >= layers && list.every(isCount) ? list.slice(0, layers) : null
      const one = count(key) ?? (values.get(key) === true ? 1 : values.get(key) === false ? 0 : null)
      return one === null ? null : new Array<number>(layers).fill(one)
    },
    isList: (key: string): boolean => listOf(key) !== null,
    /** How many values a list has, even if they were skipped; null when there is no such list. */
    listLength: (key: string): number | null => listOf(key)?.count ?? null,
  }
}
