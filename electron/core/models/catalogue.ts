// The models that were judged (resources/models.json): where they are published, what they are, what is known of their speed.
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
const address = z.url({ protocol: /^https$/ })

const FileSchema = z.strictObject({
  path: text,
  /** null: not found published; `filesNote` says so. */
  bytes: bytes.nullable(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
})

const SpeedSchema = z.strictObject({
  machine: text,
  engine: text,
  /** What was measured, where that isn't the catalogue's own file. */
  quantisation: text,
  /** The length of the prompt that was read; null: not said. */
  promptTokens: z.number().int().positive().nullable(),
  prefillTokensPerSecond: rate.nullable(),
  generationTokensPerSecond: rate.nullable(),
  source: address,
  date: z.string().regex(/^20[0-9]{2}-[0-9]{2}(-[0-9]{2})?$/),
})

/** Where it was read, `its file` being the one whose hash stands in `files`; null: not found published. */
const source = z.union([z.literal('its file'), address]).nullable()

const ModelSchema = z.strictObject({
  /** What `--model` takes. */
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,31}$/),
  name: text,
  /** On Hugging Face; null: it isn't fetched, set-up installs it for the `demo` profile. */
  repo: z
    .string()
    .regex(/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/)
    .nullable(),
  quantisation: text,
  /** null: not found published. */
  license: text.nullable(),
  /** All parts, in order. */
  files: z.array(FileSchema).min(1),
  filesNote: text.nullable(),
  /** Of its tensors, or of its files, which are a few MB more; null: neither is known. */
  weightBytes: bytes.nullable(),
  architecture: text,
  kind: z.array(z.enum(['dense', 'moe', 'hybrid', 'sliding-window', 'compressed'])).min(1),
  /** `agents` by its publisher or the guide to running it; the others are what Nexus has it for. */
  madeFor: z.enum(['agents', 'chat', 'draft', 'demo']),
  trainingContextTokens: z.number().int().positive().nullable(),
  /**
   * Whether the chat template in its file renders the tools that an agent offers: the source is that template, its family's, or a
   * guide that serves the model with tools. null: not found published, and `note` says so.
   */
  tools: z.strictObject({ renders: z.boolean().nullable(), note: text.nullable() }),
  /** Whether it can think first; null: not found published. */
  thinking: z.boolean().nullable(),
  /** Whether a conversation in a file comes back (llama.cpp#25913, #26676: hybrids and sliding windows don't); null: not tried. */
  cacheParks: z.boolean().nullable(),
  /** On a GPU; without one it is f16. */
  cacheType: KvCacheTypeSchema,
  /** For coding where the source tells tasks apart; null: not found published, so the file's or llama-server's own. */
  sampling: z
    .strictObject({ temperature: z.number().min(0).max(2), topP: z.number().min(0).max(1) })
    .nullable(),
  sources: z.strictObject({
    license: source,
    madeFor: source,
    tools: source,
    thinking: source,
    sampling: source,
  }),
  /** The id of the model that drafts for it. */
  draft: text.nullable(),
  speculation: z.enum(['none', 'draft-simple', 'ngram-mod']),
  /** Published, on Apple silicon; null: none was found. */
  speed: SpeedSchema.nullable(),
  /** The keys of its GGUF header that decide how much memory a context takes; null: `headerNote` says why. */
  header: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.number())])).nullable(),
  headerNote: text.nullable(),
})
export type CatalogueModel = z.infer<typeof ModelSchema>

const CatalogueSchema = z.strictObject({ models: z.array(ModelSchema) })

/** Throws when the file is not of this form: it comes with the program. */
export const readCatalogue = (resourcesDir: string): readonly CatalogueModel[] => {
  const path = join(resourcesDir, 'models.json')
  const found = readFileOrNull(path)
  if (found === null) throw new Error(`${path} is missing: this copy of Nexus is not whole`)
  return CatalogueSchema.parse(parseBoundedJson(found)).models
}

export const findInCatalogue = (models: readonly CatalogueModel[], id: string): CatalogueModel => {
  const model = models.find((each) => each.id === id)
  if (model === undefined)
    throw new Error(`--model: found "${id}"; allowed: ${models.map((each) => each.id).join(', ')}`)
  return model
}

/** The command that brings its files here. */
export const commandToHave = ({ id, repo }: Pick<CatalogueModel, 'id' | 'repo'>): string =>
  repo === null ? 'nexus up --profile demo' : `nexus model fetch ${id}`

export const firstFileName = (model: CatalogueModel): string => basename(model.files[0]?.path ?? model.id)

/** null where its shape or its size is not known. */
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

/** null where `headerOf` has one. */
export const whyNoHeader = ({
  header,
  headerNote,
  weightBytes,
  filesNote,
}: CatalogueModel): string | null => {
  if (header === null) return headerNote
  return weightBytes === null ? `the size of its weights is not known: ${filesNote}` : null
}
