// llama-server's allocations: parsed from its log at `-lv 4` (the default verbosity doesn't print them), and saved, because log
// rotation may drop those lines while it still runs.
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'
import { type LlamaLogEvent, parseLlamaLogLine } from '../engine/llama-log.ts'

const bytes = z.number().int().nonnegative()
const ModelAllocationsSchema = z.strictObject({
  /** Weights mapped from the file, or loaded if mapping is off. */
  modelBytes: bytes,
  /** Rearranged copies that CPU backends add (CPU_REPACK, AMX): up to the size of the weights. */
  copiedBytes: bytes,
  /** Devices that the weights are mapped on: with two, shared embedding pages are counted twice. */
  mappedDevices: z.number().int().nonnegative(),
  /** The KV cache, plus the recurrent state of layers that have one instead. */
  kvBytes: bytes,
  computeBytes: bytes,
})
export type ModelAllocations = Readonly<z.infer<typeof ModelAllocationsSchema>>
export const AllocationsSchema = z.strictObject({
  target: ModelAllocationsSchema,
  draft: ModelAllocationsSchema.nullable(),
})
export type Allocations = Readonly<z.infer<typeof AllocationsSchema>>

type Buffer = Extract<LlamaLogEvent, { kind: 'buffer' }>

/** Models load one after another: weights after a cache or compute buffer belong to the next model. */
function groupByModel(buffers: readonly Buffer[]): readonly (readonly Buffer[])[] {
  return buffers.reduce<Buffer[][]>((groups, buffer) => {
    const current = groups.at(-1)
    if (current === undefined || (buffer.holds === 'model' && current.some((one) => one.holds !== 'model')))
      groups.push([buffer])
    else current.push(buffer)
    return groups
  }, [])
}

const sumBytes = (buffers: readonly Buffer[]): number =>
  buffers.reduce((sum, buffer) => sum + buffer.bytes, 0)
const isCopy = (buffer: Buffer): boolean => /REPACK|AMX|KLEIDIAI/.test(buffer.device)

function summarise(buffers: readonly Buffer[]): ModelAllocations {
  const weights = buffers.filter((buffer) => buffer.holds === 'model')
  const mapped = weights.filter((buffer) => buffer.device.endsWith('_Mapped'))
  // Without mapping, a repacked buffer holds the weights themselves, not a copy.
  const originals = mapped.length > 0 ? weights.filter((buffer) => !isCopy(buffer)) : weights
  // A graph may be reserved more than once: the last size of each backend's buffer counts.
  const compute = new Map(
    buffers.filter((buffer) => buffer.holds === 'compute').map((buffer) => [buffer.device, buffer.bytes]),
  )
  return {
    modelBytes: sumBytes(originals),
    copiedBytes: mapped.length > 0 ? sumBytes(weights.filter(isCopy)) : 0,
    mappedDevices: new Set(mapped.map(({ device }) => device)).size,
    kvBytes: sumBytes(buffers.filter((buffer) => buffer.holds === 'KV' || buffer.holds === 'RS')),
    computeBytes:
      [...compute.values()].reduce((sum, bytes) => sum + bytes, 0) +
      sumBytes(buffers.filter((buffer) => buffer.holds === 'output')),
  }
}

/** null when the log has no allocation lines. Expects the lines of one start. */
export function parseAllocations(logLines: readonly string[]): Allocations | null {
  const models = groupByModel(
    logLines.map(parseLlamaLogLine).filter((event) => event?.kind === 'buffer'),
  ).map(summarise)
  const target = models[0]
  return target === undefined || target.modelBytes === 0 ? null : { target, draft: models[1] ?? null }
}

const RecordSchema = z.strictObject({ llamaServer: z.string(), allocations: AllocationsSchema })

/** @param identity of the process. @returns null when nothing is recorded for it */
export const readAllocations = (path: string, identity: string): Allocations | null => {
  const record = readRecord(path, RecordSchema)
  return record?.llamaServer === identity ? record.allocations : null
}

export const writeAllocations = (path: string, identity: string, allocations: Allocations): void =>
  writePrivateFile(path, `${JSON.stringify({ llamaServer: identity, allocations })}\n`, {
    about: 'processes',
  })
