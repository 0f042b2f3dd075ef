// What llama-server says it allocated (its log at `-lv 4`; at the default verbosity these lines are absent).

export interface ModelAllocations {
  /** Weights as mapped from the file, or as loaded where mapping is off. */
  readonly modelBytes: number
  /** Rearranged copies that CPU backends add (CPU_REPACK, AMX): up to the size of the weights again. */
  readonly copiedBytes: number
  /** On how many devices the weights are mapped: with two, shared embedding pages are counted twice. */
  readonly mappedDevices: number
  readonly kvBytes: number
  readonly computeBytes: number
}
export interface Allocations {
  readonly target: ModelAllocations
  readonly draft: ModelAllocations | null
}

interface Buffer {
  readonly kind: 'model' | 'KV' | 'compute' | 'output'
  readonly name: string
  readonly bytes: number
}

const mebibyte = 1024 * 1024
// "load_tensors:   CPU_Mapped model buffer size =   235.16 MiB"; the prefix differs between builds and log formats.
const bufferLine = /:\s+(\S+)\s+(model|KV|compute|output) buffer size\s*=\s*(\d+(?:\.\d+)?) MiB/

function parseBuffer(line: string): Buffer | null {
  const match = bufferLine.exec(line)
  const [, name, kind, size] = match ?? []
  if (name === undefined || size === undefined) return null
  const kinds = ['model', 'KV', 'compute', 'output'] as const
  const known = kinds.find((one) => one === kind)
  return known === undefined ? null : { kind: known, name, bytes: Math.round(Number(size) * mebibyte) }
}

/** Models load one after the other: weights that follow a cache or compute buffer belong to the next model. */
function groupByModel(buffers: readonly Buffer[]): readonly (readonly Buffer[])[] {
  return buffers.reduce<Buffer[][]>((groups, buffer) => {
    const current = groups.at(-1)
    if (current === undefined || (buffer.kind === 'model' && current.some((one) => one.kind !== 'model')))
      groups.push([buffer])
    else current.push(buffer)
    return groups
  }, [])
}

const sumBytes = (buffers: readonly Buffer[]): number =>
  buffers.reduce((sum, buffer) => sum + buffer.bytes, 0)
const isCopy = (buffer: Buffer): boolean => /REPACK|AMX|KLEIDIAI/.test(buffer.name)

function summarise(buffers: readonly Buffer[]): ModelAllocations {
  const weights = buffers.filter((buffer) => buffer.kind === 'model')
  const mapped = weights.filter((buffer) => buffer.name.endsWith('_Mapped'))
  // Without mapping, a repacked buffer holds the weights themselves and is no copy.
  const originals = mapped.length > 0 ? weights.filter((buffer) => !isCopy(buffer)) : weights
  // A graph may be reserved more than once: the last size of each backend's buffer is the one that stays.
  const compute = new Map(
    buffers.filter((buffer) => buffer.kind === 'compute').map((buffer) => [buffer.name, buffer.bytes]),
  )
  return {
    modelBytes: sumBytes(originals),
    copiedBytes: mapped.length > 0 ? sumBytes(weights.filter(isCopy)) : 0,
    mappedDevices: new Set(mapped.map(({ name }) => name)).size,
    kvBytes: sumBytes(buffers.filter((buffer) => buffer.kind === 'KV')),
    computeBytes:
      [...compute.values()].reduce((sum, bytes) => sum + bytes, 0) +
      sumBytes(buffers.filter((buffer) => buffer.kind === 'output')),
  }
}

/** null when the log has no allocation lines. Expects the lines of one start. */
export function parseAllocations(logLines: readonly string[]): Allocations | null {
  const models = groupByModel(logLines.map(parseBuffer).filter((buffer) => buffer !== null)).map(summarise)
  const target = models[0]
  return target === undefined || target.modelBytes === 0 ? null : { target, draft: models[1] ?? null }
}
