// Lists a Hub repository: one revision and its files with their hashes.
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'
import type { FileFetchOptions } from './file-fetch.ts'
import { final, type HubOutcome, judgeStatus, odd } from './hub-problem.ts'
import { askHub, type HubReply, readText } from './hub-request.ts'
import type { Listing, PublishedFile } from './model-request.ts'

/** A page has at most 1,000 entries of some 300 bytes. */
const maxPageBytes = 4 * 1024 * 1024
const maxPages = 50

const RevisionSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) })
/** `lfs.oid` is the file's sha256; small files have only a git hash (list-files.ts of @huggingface/hub 2.17.5). */
const TreeSchema = z.array(
  z.object({
    type: z.string(),
    path: z.string().max(1024),
    lfs: z
      .object({
        oid: z.string().regex(/^[0-9a-f]{64}$/),
        size: z.number().int().positive(),
      })
      .optional(),
  }),
)

export type ListingContext = Pick<FileFetchOptions, 'hub' | 'asked' | 'silenceMs' | 'signal'>

/** Lists the GGUF files of the repository's main branch. Rejects as askHub does. */
export const listRepository = async (context: ListingContext): Promise<HubOutcome<Listing>> => {
  const { repo } = context.asked
  const revision = await askJson(`/api/models/${repo}/revision/main`, RevisionSchema, context)
  if (revision.kind !== 'ok') return revision
  const { sha } = revision.value.json
  const files: PublishedFile[] = []
  let path: string | null = `/api/models/${repo}/tree/${sha}?recursive=true`
  for (let page = 0; path !== null; page++) {
    if (page === maxPages) return final(`${repo} has more than ${maxPages} pages of files`)
    const tree = await askJson(path, TreeSchema, context)
    if (tree.kind !== 'ok') return tree
    for (const { type, path: file, lfs } of tree.value.json)
      if (type === 'file' && lfs !== undefined && file.endsWith('.gguf') && isPlainPath(file))
        files.push({ path: file, bytes: lfs.size, sha256: lfs.oid })
    path = readNextPage(tree.value.headers['link'], context.hub.endpoint)
  }
  return { kind: 'ok', value: { revision: sha, files } }
}

/** The path becomes a file name and part of a URL. */
export const isPlainPath = (path: string): boolean =>
  path.split('/').every((part) => /^[A-Za-z0-9_][A-Za-z0-9._+ ()=-]{0,254}$/.test(part))

/** `<https://huggingface.co/api/...?cursor=...>; rel="next"`; null: there is no next page. */
export const readNextPage = (link: string | string[] | undefined, endpoint: URL): string | null => {
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(typeof link === 'string' ? link : '')?.[1]
  if (next === undefined || !URL.canParse(next, endpoint.href)) return null
  const { pathname, search } = new URL(next, endpoint)
  // A mirror may link to the Hub itself: keep asking the mirror.
  const base = endpoint.pathname.replace(/\/$/, '')
  return `${base !== '' && pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : pathname}${search}`
}

interface JsonReply<T> {
  readonly json: T
  readonly headers: HubReply['headers']
}

const askJson = async <T>(
  path: string,
  schema: z.ZodType<T>,
  { hub, asked, silenceMs, signal }: ListingContext,
): Promise<HubOutcome<JsonReply<T>>> => {
  const reply = await askHub(hub, path, { headers: { accept: 'application/json' }, silenceMs, signal })
  try {
    if (reply.status !== 200) return judgeStatus(reply, asked, Date.now())
    const text = await readText(reply, maxPageBytes)
    const parsed = schema.safeParse(text === null ? null : parseJsonOrNull(text))
    if (parsed.success) return { kind: 'ok', value: { json: parsed.data, headers: reply.headers } }
    const found = reply.headers['content-type'] ?? 'content without a type'
    return odd(`${hub.endpoint.host} returned ${found} instead of a list of files`)
  } finally {
    reply.close()
  }
}
