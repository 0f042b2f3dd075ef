// Which layers use a sliding window, by architecture, as in llama.cpp (src/models/*.cpp, load_arch_hparams, summer 2026).
import type { MetadataQuestions } from './metadata.ts'

/**
 * How an architecture defines which layers see only a window.
 * - `period`: of every `period` layers all but one slide; the dense one is the last, or the first with `denseFirst`.
 *   A number in the file overrides the period, a list does not (get_key_or_arr into a scalar ignores it).
 * - `listed`: the file lists it layer by layer. `attention`: every layer that has attention.
 * - `windowTokens`: `file` (key required), a fixed number, or a default that the file may override.
 * - `optional`: no layer slides if the file has no window.
 */
interface SlidingRule {
  readonly period: number | 'listed' | 'attention'
  readonly denseFirst?: boolean
  readonly listAllowed?: boolean
  readonly window: { readonly fixed: number } | { readonly byDefault: number | null }
  readonly optional?: boolean
  readonly onlyWithLayers?: number
  /** The period excludes layers that only predict further tokens (for other architectures it includes them). */
  readonly densePredictors?: boolean
}

const inFile = { byDefault: null }

const slidingRules: Readonly<Record<string, SlidingRule>> = {
  gemma2: { period: 2, window: { byDefault: 4096 } },
  gemma3: { period: 6, window: inFile, optional: true },
  gemma3n: { period: 5, window: inFile },
  gemma4: { period: 'listed', window: inFile },
  llama4: { period: 4, window: { fixed: 8192 } },
  'gpt-oss': { period: 2, window: inFile },
  exaone4: { period: 4, window: { byDefault: 4096 }, onlyWithLayers: 64 },
  'exaone-moe': { period: 4, window: inFile },
  olmo2: { period: 4, window: inFile, optional: true },
  plamo3: { period: 8, window: inFile, optional: true },
  cohere2: { period: 4, window: inFile },
  cohere2moe: { period: 4, denseFirst: true, listAllowed: true, densePredictors: true, window: inFile },
  afmoe: { period: 4, window: inFile, optional: true },
  laguna: { period: 4, denseFirst: true, window: inFile, optional: true },
  mellum: { period: 4, listAllowed: true, window: inFile, optional: true },
  smallthinker: { period: 4, denseFirst: true, window: { fixed: 4096 }, optional: true },
  mimo2: { period: 'listed', window: inFile },
  step35: { period: 'listed', window: inFile },
  lfm2: { period: 'attention', window: inFile, optional: true },
}

const ruleOf = (architecture: string): SlidingRule | undefined =>
  // Own names only: an architecture may call itself 'constructor'.
  Object.hasOwn(slidingRules, architecture) ? slidingRules[architecture] : undefined

export type Sliding =
  | { readonly kind: 'none' }
  | { readonly kind: 'some'; readonly windowTokens: number; readonly slides: readonly boolean[] }
  | { readonly kind: 'unknown'; readonly reason: string }

function periodic(layers: number, period: number, denseFirst: boolean): boolean[] {
  return Array.from({ length: layers }, (_, layer) =>
    period === 0 ? true : denseFirst ? layer % period !== 0 : layer % period < period - 1,
  )
}

export function readSliding(
  architecture: string,
  { allLayers: layers, predictors }: { readonly allLayers: number; readonly predictors: number },
  kvHeads: readonly number[],
  ask: MetadataQuestions,
): Sliding {
  const rule = ruleOf(architecture)
  if (rule === undefined) return { kind: 'none' }
  if (rule.onlyWithLayers !== undefined && rule.onlyWithLayers !== layers) return { kind: 'none' }
  const windowKey = `${architecture}.attention.sliding_window`
  const patternKey = `${windowKey}_pattern`
  const windowInFile = ask.count(windowKey)
  if (windowInFile === null && ask.isPresent(windowKey))
    return { kind: 'unknown', reason: `${windowKey} is not a whole number` }
  // llama4 slides unless the file says 0; optional ones slide only if the file has a window.
  if (windowInFile === 0 || (rule.optional === true && windowInFile === null)) return { kind: 'none' }
  const windowTokens = 'fixed' in rule.window ? rule.window.fixed : (windowInFile ?? rule.window.byDefault)
  if (windowTokens === null)
    return { kind: 'unknown', reason: `the file lacks ${windowKey}, which ${architecture} models need` }
  if (rule.period === 'listed' || (rule.listAllowed === true && ask.isList(patternKey))) {
    const list = ask.perLayer(patternKey, layers)
    if (list === null)
      return { kind: 'unknown', reason: `the file lacks ${patternKey} for some of its ${layers} layers` }
    return { kind: 'some', windowTokens, slides: list.map((value) => value !== 0) }
  }
  if (rule.period === 'attention')
    return { kind: 'some', windowTokens, slides: kvHeads.map((heads) => heads > 0) }
  const period = ask.count(patternKey) ?? rule.period
  const periodLayers = rule.densePredictors === true ? layers - predictors : layers
  return { kind: 'some', windowTokens, slides: periodic(periodLayers, period, rule.denseFirst === true) }
}
