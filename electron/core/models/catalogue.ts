// The catalogue of judged models (resources/models.json): where they are published, their properties, published speeds.
import { basename, join } from 'node:path'
import { z } from 'zod'
import { KvCacheTypeSchema } from '../../contract/profile.ts'
import { parseBoundedJson } from '../base/bounded-json.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { type GgufHeader, headerFromMetadata } from '../gguf/gguf-header.ts'
import type { MetadataValue } from '../gguf/metadata.ts'

const text = z.string().min(1)
const bytes = z.number().int().positive()
const rate = z.number().positive()

const FileSchema = z.strictObject({
  path: text,
  /** null: not published; `filesNote` says so. */
  bytes: bytes.nullable(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
})

const SpeedSchema = z.strictObject({
  machine: text,
  engine: text,
  /** The measured file's; it may differ from the catalogue's own. */
  quantisation: text,
  /** Length of the measured prompt; null when unknown. */
  promptTokens: z.number().int().positive().nullable(),
  prefillTokensPerSecond: rate.nullable(),
  generationTokensPerSecond: rate.nullable(),
  source: z.url({ protocol: /^https$/ }),
  date: z.string().regex(/^20[0-9]{2}-[0-9]{2}(-[0-9]{2})?$/),
})

const ModelSchema = z.strictObject({
  /** The value for `--model`. */
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,31}$/),
  name: text,
  /** On Hugging Face. */
  repo: z.string().regex(/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/),
  quantisation: text,
  license: text,
  /** All parts, in order. */
  files: z.array(FileSchema).min(1),
  filesNote: text.nullable(),
  /** Of its tensors, or of its files, which are a few MB larger; null when unknown. */
  weightBytes: bytes.nullable(),
  architecture: text,
  kind: z.array(z.enum(['dense', 'moe', 'hybrid', 'sliding-window', 'compressed'])).min(1),
  /** Its publisher's purpose. */
  madeFor: z.enum(['agents', 'chat', 'draft', 'demo']),
  trainingContextTokens: z.number().int().positive().nullable(),
  /** Whether its chat template renders an agent's tools. */
  tools: z.strictObject({ renders: z.boolean(), note: text.nullable() }),
  /** Whether its template supports thinking first. */
  thinking: z.boolean(),
  /** Whether a parked conversation can be restored (llama.cpp#25913, #26676: not for hybrids and sliding windows); null: not tried. */
  cacheParks: z.boolean().nullable(),
  /** On a GPU; without a GPU it is f16. */
  cacheType: KvCacheTypeSchema,
  /** From its model card; null: the file's or llama-server's own. */
  sampling: z
    .strictObject({ temperature: z.number().min(0).max(2), topP: z.number().min(0).max(1) })
    .nullable(),
  /** The id of the model that drafts for it. */
  draft: text.nullable(),
  speculation: z.enum(['none', 'draft-simple', 'ngram-mod']),
  /** Published figures for Apple silicon; null: none found. */
  speed: SpeedSchema.nullable(),
  /** The GGUF header keys that determine a context's memory; null: `headerNote` says why. */
  header: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.number())])).nullable(),
  headerNote: text.nullable(),
})
export type CatalogueModel = z.infer<typeof ModelSchema>

const CatalogueSchema = z.strictObject({ models: z.array(ModelSchema) })

/** Throws when the file is missing or invalid: it is part of the program. */
export const readCatalogue = (resourcesDir: string): readonly CatalogueModel[] => {
  const path = join(resourcesDir, 'models.json')
  const found = readFileOrNull(path)
  if (found === null) throw new Error(`${path} is missing: this copy of Nexus is incomplete`)
  return CatalogueSchema.parse(parseBoundedJson(found)).models
}

export const findInCatalogue = (models: readonly CatalogueModel[], id: string): CatalogueModel => {
  const model = models.find((each) => each.id === id)
  if (model === undefined)
    throw new Error(`--model: found "${id}"; allowed: ${models.map((each) => each.id).join(', ')}`)
  return model
}

export const firstFileName = (model: CatalogueModel): string => basename(model.files[0]?.path ?? model.id)

/** null when its shape or size is unknown. */
export const headerOf = (model: CatalogueModel): GgufHeader | null => {
  const { header, weightBytes } = model
  if (header === null || weightBytes === null) return null
  const metadata = new Map<string, MetadataValue>(
    Object.entries(header).map(([key, value]) => [
      key,
      Array.isArray(value) ? { count: value.length, values: value } : value,
    ]),
  )
  return headerFromMetadata(firstFileName(model), metadata, weightBytes)
}

/** null when `headerOf` returns one. */
export const whyNoHeader = ({
  header,
  headerNote,
  weightBytes,
  filesNote,
}: CatalogueModel): string | null => {
  if (header === null) return headerNote
  return weightBytes === null ? `the size of its weights is unknown: ${filesNote}` : null
}
