// Parses what a user types for a model and chooses the published files. Pure.
import { z } from 'zod'
import { modelStem, parseSplitName } from '../gguf/split-files.ts'
import { type CatalogueModel, commandToHave } from './catalogue.ts'

const PublishedFileSchema = z.strictObject({
  /** Inside the repository, such as `Q8_0/model-00001-of-00002.gguf`. */
  path: z.string(),
  bytes: z.number().int().positive(),
  sha256: z.string(),
})
export type PublishedFile = Readonly<z.infer<typeof PublishedFileSchema>>

export const ListingSchema = z.strictObject({
  /** The commit: later requests get the same files, whatever is uploaded in the meantime. */
  revision: z.string(),
  files: z.array(PublishedFileSchema).readonly(),
})
export type Listing = Readonly<z.infer<typeof ListingSchema>>

export const ModelRequestSchema = z.strictObject({
  /** Requests with the same id share one fetch. */
  id: z.string(),
  repo: z.string(),
  /** A file, or a tag that identifies one model's files, such as Q8_0; null: the repository's only model. */
  file: z.string().nullable(),
  /** From the catalogue; null: the repository's current files. */
  files: z
    .array(
      z.strictObject({
        path: z.string(),
        /** null: not published when the model was judged, so the repository's current file is accepted. */
        sha256: z.string().nullable(),
      }),
    )
    .readonly()
    .nullable(),
})
export type ModelRequest = Readonly<z.infer<typeof ModelRequestSchema>>

export type RequestReading =
  | { readonly kind: 'request'; readonly request: ModelRequest }
  | { readonly kind: 'unknown'; readonly reason: string }

/** The Hub's own rule: 96 letters, digits, dots, dashes and underscores (huggingface_hub, validate_repo_id). */
const repoName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/

export const parseModelRequest = (
  text: string,
  catalogue: readonly Pick<CatalogueModel, 'id' | 'repo' | 'files'>[],
): RequestReading => {
  const known = catalogue.find(({ id }) => id === text)
  if (known !== undefined) {
    const { id, repo } = known
    if (repo === null)
      return {
        kind: 'unknown',
        reason: `${id} is the demo's model, which set-up installs: ${commandToHave(known)}`,
      }
    const files = known.files.map(({ path, sha256 }) => ({ path, sha256 }))
    return { kind: 'request', request: { id, repo, file: null, files } }
  }
  const colon = text.indexOf(':')
  const repo = colon === -1 ? text : text.slice(0, colon)
  const file = colon === -1 ? null : text.slice(colon + 1)
  if (repoName.test(repo) && file !== '')
    return { kind: 'request', request: { id: text, repo, file, files: null } }
  const names = catalogue.flatMap(({ id, repo }) => (repo === null ? [] : [id]))
  const allowed = `REPO or REPO:FILE of Hugging Face, such as unsloth/Qwen3-8B-GGUF:Q4_K_M${names.length === 0 ? '' : `, or one of ${names.join(', ')}`}`
  return { kind: 'unknown', reason: `found "${text}"; allowed: ${allowed}` }
}

export type FileChoice =
  | { readonly kind: 'files'; readonly files: readonly PublishedFile[] }
  | { readonly kind: 'unclear'; readonly reason: string }

/** All files of one model, in order. */
export const chooseFiles = (
  { repo, file, files }: ModelRequest,
  published: readonly PublishedFile[],
): FileChoice => {
  if (files !== null) return checkJudged(repo, files, published)
  const models = groupParts(published)
  const named =
    file === null
      ? models.filter(({ isProjector }) => !isProjector)
      : (exact(models, file) ?? models.filter(({ paths }) => paths.some((path) => hasTag(path, file))))
  const [one, ...others] = named
  if (one !== undefined && others.length === 0)
    return one.missing === null
      ? { kind: 'files', files: one.files }
      : { kind: 'unclear', reason: `${repo} lacks ${one.missing}, a part of the model` }
  const choice = (one === undefined ? models : named).map(({ name }) => name)
  if (choice.length === 0) return { kind: 'unclear', reason: `${repo} has no GGUF files` }
  const found =
    one === undefined
      ? `no model "${file}"`
      : `${named.length} models${file === null ? '' : ` for "${file}"`}`
  return {
    kind: 'unclear',
    reason: `${repo} has ${found}; name one, such as ${repo}:${choice[0]}. It has: ${choice.slice(0, 40).join(', ')}`,
  }
}

type PublishedModel = ReturnType<typeof groupParts>[number]

/** By the name that modelStem gives them. `missing`: a part that isn't published; null: all are. */
const groupParts = (published: readonly PublishedFile[]) => {
  const groups = new Map<string, PublishedFile[]>()
  for (const file of published) {
    const name = modelStem(file.path)
    groups.set(name, [...(groups.get(name) ?? []), file])
  }
  return [...groups].map(([name, found]) => {
    const files = found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
    const parts = parseSplitName(files[0]?.path ?? '')?.parts ?? 1
    const paths = files.map(({ path }) => path)
    const missing = files.length === parts ? null : `one of ${parts} parts of ${name}`
    // A vision or audio addition to a model (mmproj), not a model itself.
    return { name, paths, files, missing, isProjector: /(?:^|\/)mmproj/i.test(name) }
  })
}

const exact = (models: readonly PublishedModel[], file: string): PublishedModel[] | null => {
  const wanted = file.replace(/\.gguf$/, '')
  const ends = (path: string, end: string) => path === end || path.endsWith(`/${end}`)
  const found = models.filter(
    ({ name, paths }) => ends(name, wanted) || paths.some((path) => ends(path, file)),
  )
  return found.length === 0 ? null : found
}

/** `Q8_0` matches `model-Q8_0.gguf` but not `model-UD-Q8_0_XL.gguf`. */
const hasTag = (path: string, tag: string): boolean => {
  const words = path.toLowerCase()
  const at = words.indexOf(tag.toLowerCase())
  if (at === -1) return false
  const isBorder = (character: string | undefined) => character === undefined || !/[a-z0-9_]/.test(character)
  return isBorder(words[at - 1]) && isBorder(words[at + tag.length])
}

/** Only the judged file is fetched: a different file with the same name may be a different model. */
const checkJudged = (
  repo: string,
  judged: NonNullable<ModelRequest['files']>,
  published: readonly PublishedFile[],
): FileChoice => {
  const files: PublishedFile[] = []
  for (const { path, sha256 } of judged) {
    const now = published.find((file) => file.path === path)
    if (now === undefined) return { kind: 'unclear', reason: `${repo} no longer has ${path}` }
    if (sha256 !== null && now.sha256 !== sha256)
      return {
        kind: 'unclear',
        reason: `${path} has changed at ${repo} since it was judged; to fetch it anyway: nexus model fetch ${repo}:${path}`,
      }
    files.push(now)
  }
  return { kind: 'files', files }
}
