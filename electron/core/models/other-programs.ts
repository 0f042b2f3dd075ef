// Finds models of this user's other programs by their folder layouts; they are used in place.
//
// llama.cpp: $LLAMA_CACHE, else its folder in the user's caches (ggml-org/llama.cpp#7826); files are ORG_REPO_FILE. LM Studio:
// publisher/model/file (lmstudio.ai/docs/basics/import-model). Ollama: manifests name blobs by their sha256 (docs/faq.md of
// Ollama). Hugging Face: models--ORG--NAME/snapshots/COMMIT/FILE, links to blobs (cache-management.ts of @huggingface/hub),
// which newer llama.cpp uses too (ggml-org/llama.cpp#21009).
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import type { PublishedFile } from './model-request.ts'

export type ModelProgram = 'llama.cpp' | 'LM Studio' | 'Ollama' | 'Hugging Face'

export interface OtherModel {
  readonly program: ModelProgram
  /** Its program's name for it. */
  readonly name: string
  readonly path: string
  readonly bytes: number
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: 'darwin' | 'linux'
  /** Default: this user's. */
  readonly homeDir?: string
}

/** A folder with more entries isn't a model cache. */
const maxEntries = 20_000
const maxDepth = 8

/** Unreadable files and folders are skipped. */
export const listOtherModels = async (surroundings: Surroundings): Promise<readonly OtherModel[]> => {
  const { env, platform, homeDir = homedir() } = surroundings
  const cacheDir =
    platform === 'darwin'
      ? join(homeDir, 'Library', 'Caches')
      : env['XDG_CACHE_HOME'] || join(homeDir, '.cache')
  const hubCache =
    env['HF_HUB_CACHE'] ||
    join(env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(homeDir, '.cache'), 'huggingface'), 'hub')
  const ollamaDirs = [
    env['OLLAMA_MODELS'] || join(homeDir, '.ollama', 'models'),
    ...(platform === 'linux' ? ['/usr/share/ollama/.ollama/models'] : []),
  ]
  const found = await Promise.all([
    listGgufs('llama.cpp', env['LLAMA_CACHE'] || join(cacheDir, 'llama.cpp')),
    listGgufs('LM Studio', join(homeDir, '.lmstudio', 'models')),
    listGgufs('LM Studio', join(homeDir, '.cache', 'lm-studio', 'models')),
    listGgufs('Hugging Face', hubCache),
    ...ollamaDirs.map(listOllama),
  ])
  return found.flat()
}

/** Paths of possible copies of the published file; only a hash proves one. */
export const findCopies = async (
  { path, bytes, sha256 }: PublishedFile,
  surroundings: Surroundings,
): Promise<readonly string[]> => {
  const name = basename(path)
  const others = await listOtherModels(surroundings)
  return others
    .filter((other) => other.bytes === bytes)
    .filter((other) => {
      const file = basename(other.path)
      return file === name || file.endsWith(`_${name}`) || file === `sha256-${sha256}`
    })
    .map((other) => other.path)
}

const listGgufs = async (program: ModelProgram, dir: string): Promise<readonly OtherModel[]> => {
  const paths = await listFiles(dir, (name) => name.endsWith('.gguf'))
  const models = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readSize(path)
      return bytes === null ? [] : [{ program, name: nameOf(program, relative(dir, path)), path, bytes }]
    }),
  )
  return models.flat()
}

/** `models--ORG--NAME/snapshots/COMMIT/FILE` is ORG/NAME:FILE. */
const nameOf = (program: ModelProgram, path: string): string => {
  const match = /^models--(.+?)--(.+?)\/snapshots\/[^/]+\/(.+)$/.exec(path)
  return program === 'Hugging Face' && match !== null ? `${match[1]}/${match[2]}:${match[3]}` : path
}

const ManifestSchema = z.object({ layers: z.array(z.object({ mediaType: z.string(), digest: z.string() })) })

const listOllama = async (dir: string): Promise<readonly OtherModel[]> => {
  const manifests = join(dir, 'manifests')
  const models: OtherModel[] = []
  for (const path of await listFiles(manifests, () => true)) {
    const layers = readManifest(path)?.layers ?? []
    const digest = layers.find(({ mediaType }) => mediaType === 'application/vnd.ollama.image.model')?.digest
    if (digest === undefined || !/^sha256:[0-9a-f]{64}$/.test(digest)) continue
    const blob = join(dir, 'blobs', digest.replace(':', '-'))
    const bytes = await readSize(blob)
    if (bytes === null) continue
    const words = relative(manifests, path).split('/')
    const name = `${words
      .slice(0, -1)
      .join('/')
      .replace(/^registry\.ollama\.ai\/(?:library\/)?/, '')}:${words.at(-1)}`
    models.push({ program: 'Ollama', name, path: blob, bytes })
  }
  return models
}

const readManifest = (path: string): z.infer<typeof ManifestSchema> | null => {
  try {
    return readRecord(path, ManifestSchema)
  } catch {
    return null
  }
}

/** Follows links. null: not a file. */
const readSize = async (path: string): Promise<number | null> => {
  try {
    const stats = await stat(path)
    return stats.isFile() ? stats.size : null
  } catch {
    return null
  }
}

/** Doesn't follow links to folders, which may form a loop. */
const listFiles = async (dir: string, isWanted: (name: string) => boolean): Promise<readonly string[]> => {
  const files: string[] = []
  let left = maxEntries
  const walk = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      left -= 1
      if (left < 0) return
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (depth < maxDepth) await walk(path, depth + 1)
      } else if (isWanted(entry.name)) files.push(path)
    }
  }
  await walk(dir, 1)
  return files
}
