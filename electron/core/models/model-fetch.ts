// Fetches all files of one model, from its name to the last hash.
import { rmSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ModelFetch } from '../../contract/snapshot.ts'
import { statIfThere } from '../base/regular-file.ts'
import { describeVerified, placeOf, writeFetchRecord } from './fetched-file.ts'
import { createFileFetch, hashFile } from './file-fetch.ts'
import { listRepository } from './hub-listing.ts'
import { type Asked, type HubOutcome, judgeLineError } from './hub-problem.ts'
import type { Hub } from './hub-request.ts'
import { chooseFiles, type Listing, type ModelRequest, type PublishedFile } from './model-request.ts'
import { ensureModelsFolder, judgeRoom, type RoomFacts, withModelsLock } from './models-folder.ts'

export interface FetchPace {
  /** The connection counts as lost after this long without a byte. */
  readonly silenceMs: number
  /** Before the second attempt; doubled after each attempt without progress. */
  readonly firstWaitMs: number
  readonly longestWaitMs: number
}

export interface ModelFetchOptions {
  readonly request: ModelRequest
  readonly hub: Hub
  /** Where a token can be stored permanently. */
  readonly tokenPath: string
  readonly modelsDir: string
  /** null: unknown so far. */
  readonly listing: Listing | null
  readonly pace: FetchPace
  readonly signal: AbortSignal
  /** Paths of other programs' files with this length or hash. */
  readonly findElsewhere: (file: PublishedFile) => Promise<readonly string[]>
  readonly readRoom: () => RoomFacts
  readonly onListed: (listing: Listing) => void
  readonly onPhase: (phase: ModelFetch['phase'], reason?: string) => void
  /** `doneBytes` of all files of the model. */
  readonly onBytes: (file: string, doneBytes: number) => void
}

export type FetchEnd =
  | { readonly kind: 'done'; readonly path: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** Consecutive odd answers after which a fetch fails. */
const mostOddAnswers = 5

/** Rejects when the signal is aborted, and with errors that a retry wouldn't fix. */
export const fetchModel = async (options: ModelFetchOptions): Promise<FetchEnd> => {
  const { request, hub, modelsDir, pace, signal, onPhase, onBytes } = options
  const asked: Asked = {
    repo: request.repo,
    what: 'list of files',
    endpoint: hub.endpoint,
    hasToken: hub.token !== null,
    tokenPath: options.tokenPath,
  }

  /** Retries until it succeeds or fails finally. */
  const insist = async <T>(
    attempt: () => Promise<HubOutcome<T>>,
    doneBytes: () => number,
  ): Promise<Exclude<HubOutcome<T>, { kind: 'wait' | 'odd' }>> => {
    let waitMs = pace.firstWaitMs
    let oddAnswers = 0
    for (;;) {
      const before = doneBytes()
      const outcome = await attempt()
      if (outcome.kind === 'ok' || outcome.kind === 'final') return outcome
      if (doneBytes() > before) {
        waitMs = pace.firstWaitMs
        oddAnswers = 0
      }
      if (outcome.kind === 'odd') oddAnswers += 1
      if (oddAnswers >= mostOddAnswers) return { kind: 'final', reason: outcome.reason }
      onPhase('waiting', outcome.reason)
      const afterMs = outcome.kind === 'wait' ? outcome.afterMs : null
      await delay(afterMs ?? waitMs, undefined, { signal })
      waitMs = Math.min(2 * waitMs, pace.longestWaitMs)
    }
  }

  const list = (): Promise<HubOutcome<Listing>> => {
    onPhase('listing')
    return listRepository({ hub, asked, silenceMs: pace.silenceMs, signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      return judgeLineError(error)
    })
  }

  const readListing = async (): Promise<HubOutcome<Listing>> => {
    if (options.listing !== null) return { kind: 'ok', value: options.listing }
    const outcome = await insist(list, () => 0)
    if (outcome.kind !== 'ok') return outcome
    const choice = chooseFiles(request, outcome.value.files)
    if (choice.kind === 'unclear') return { kind: 'final', reason: choice.reason }
    const listing = { ...outcome.value, files: choice.files }
    options.onListed(listing)
    return { kind: 'ok', value: listing }
  }

  /** Links to another program's copy. Its name proves nothing, so the whole file is hashed. */
  const linkElsewhere = async (file: PublishedFile, { revision }: Listing): Promise<void> => {
    const place = placeOf(modelsDir, file.path)
    if (statIfThere(place.targetPath) !== null) return
    for (const path of await options.findElsewhere(file)) {
      onPhase('checking')
      const onProgress = (done: number) => onBytes(basename(file.path), done)
      const hash = await hashFile(path, file.bytes, signal, onProgress).catch(() => null)
      signal.throwIfAborted()
      const stats = hash?.digest('hex') === file.sha256 ? statIfThere(path) : null
      if (stats === null) continue
      // Remove a dangling link, which the check above treats as missing.
      rmSync(place.targetPath, { force: true })
      await symlink(path, place.targetPath)
      const verified = describeVerified(stats)
      writeFetchRecord(place, { version: 1, repo: request.repo, revision, ...file, etag: null, verified })
      return
    }
  }

  const fetchAll = async (listing: Listing): Promise<FetchEnd> => {
    const { files, revision } = listing
    for (const file of files) await linkElsewhere(file, listing)
    const refusal = judgeRoom(options.readRoom(), countMissing(modelsDir, files))
    if (refusal !== null) return { kind: 'failed', reason: refusal }
    let before = 0
    for (const file of files) {
      const base = before
      const name = basename(file.path)
      const fetch = createFileFetch({
        file,
        place: placeOf(modelsDir, file.path),
        repo: request.repo,
        revision,
        hub,
        asked: { ...asked, what: file.path },
        silenceMs: pace.silenceMs,
        signal,
        onProgress: (phase, doneBytes) => {
          onPhase(phase)
          onBytes(name, base + doneBytes)
        },
      })
      const outcome = await insist(fetch.attempt, fetch.doneBytes)
      if (outcome.kind !== 'ok') return { kind: 'failed', reason: outcome.reason }
      before += file.bytes
      onBytes(name, before)
    }
    return { kind: 'done', path: placeOf(modelsDir, files[0]?.path ?? request.repo).targetPath }
  }

  const listed = await readListing()
  if (listed.kind !== 'ok') return { kind: 'failed', reason: listed.reason }
  ensureModelsFolder(modelsDir, process.platform)
  const onWait = () => onPhase('waiting', `another core on this machine is fetching into ${modelsDir}`)
  return withModelsLock(modelsDir, { signal, onWait }, () => fetchAll(listed.value))
}

/** Bytes that are still to be written. */
const countMissing = (modelsDir: string, files: readonly PublishedFile[]): number =>
  files.reduce((sum, { path, bytes }) => {
    const { targetPath, partPath } = placeOf(modelsDir, path)
    if (statIfThere(targetPath) !== null) return sum
    return sum + Math.max(0, bytes - (statIfThere(partPath)?.size ?? 0))
  }, 0)
