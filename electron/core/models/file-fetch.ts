// Downloads one file from the Hub: resumes a partial download by Range and verifies the published hash of the whole file.
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, rmSync, statSync } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { statIfThere } from '../base/regular-file.ts'
import {
  describeVerified,
  type FetchRecord,
  type FilePlace,
  isVerified,
  readFetchRecord,
  writeFetchRecord,
} from './fetched-file.ts'
import {
  type Asked,
  final,
  type HubOutcome,
  type HubProblem,
  judgeLineError,
  judgeStatus,
  odd,
  wait,
} from './hub-problem.ts'
import { askHub, type Hub, type HubReply } from './hub-request.ts'
import type { PublishedFile } from './model-request.ts'

export interface FileFetchOptions {
  readonly file: PublishedFile
  readonly place: FilePlace
  readonly repo: string
  readonly revision: string
  readonly hub: Hub
  readonly asked: Asked
  readonly silenceMs: number
  readonly signal: AbortSignal
  readonly onProgress: (phase: 'fetching' | 'checking', doneBytes: number) => void
}

/** The hashed beginning of the part: a lost connection must not cause 40 GB to be read again. */
interface HashedPart {
  readonly hash: Hash
  bytes: number
}

/** The caller must hold the folder's lock: only one at a time. */
export const createFileFetch = (options: FileFetchOptions) => {
  const { file, place, repo, revision, hub, asked, silenceMs, signal, onProgress } = options
  let hashed: HashedPart | null = null
  let etag: string | null = null
  /** A wrong hash once may be the disk's or a proxy's fault; twice, it is the file's. */
  let wrongHashes = 0

  const record = (verified: FetchRecord['verified']): void =>
    writeFetchRecord(place, { version: 1, repo, revision, ...file, etag, verified })

  const startOver = (): void => {
    rmSync(place.partPath, { force: true })
    hashed = null
    etag = null
  }

  /** Hashes the first `bytes` of the part, which an earlier core may have written. */
  const hashPart = async (bytes: number): Promise<HashedPart> => {
    if (hashed?.bytes === bytes) return hashed
    const hash = await hashFile(place.partPath, bytes, signal, (done) => onProgress('checking', done))
    hashed = { hash, bytes }
    return hashed
  }

  const readPart = async (): Promise<HashedPart> => {
    const known = readFetchRecord(place)
    const bytes = statIfThere(place.partPath)?.size ?? 0
    if (bytes === 0 || bytes > file.bytes || known?.sha256 !== file.sha256) {
      startOver()
      hashed = { hash: createHash('sha256'), bytes: 0 }
      return hashed
    }
    etag = known.etag
    return hashPart(bytes)
  }

  const fetchRest = async (part: HashedPart): Promise<HubProblem | null> => {
    const range = part.bytes === 0 ? {} : { range: `bytes=${part.bytes}-` }
    // Used only by a server that sends the file itself. The storage behind the Hub may change a file's ETag; there the Hub's
    // X-Linked-Etag identifies the file.
    const guard = part.bytes > 0 && etag !== null ? { 'if-range': etag } : {}
    const reply = await askHub(hub, resolvePath(options), {
      headers: { ...range, ...guard, 'accept-encoding': 'identity' },
      silenceMs,
      signal,
    })
    try {
      return await takeReply(reply, part)
    } finally {
      reply.close()
    }
  }

  const takeReply = async (reply: HubReply, part: HashedPart): Promise<HubProblem | null> => {
    const { status, headers, linkedEtag, isElsewhere } = reply
    if (status === 416) startOver()
    if (status !== 200 && status !== 206) return judgeStatus(reply, asked, Date.now())
    if (linkedEtag !== null && /^[0-9a-f]{64}$/.test(linkedEtag) && linkedEtag !== file.sha256)
      return final(`${file.path} has changed at ${repo} in the meantime; fetch it again`)
    if (headers['content-type']?.startsWith('text/html') === true)
      return odd('got a web page instead of the file, perhaps a login page of this network')
    const range = judgeRange(status, headers, part.bytes, file.bytes)
    if (typeof range !== 'string') return range
    if (range === 'whole' && part.bytes > 0) startOver()
    const goesOn = hashed ?? { hash: createHash('sha256'), bytes: 0 }
    hashed = goesOn
    etag = isElsewhere ? null : strongEtag(headers.etag)
    record(null)
    return writeBody(reply, goesOn)
  }

  const writeBody = async ({ body }: HubReply, part: HashedPart): Promise<HubProblem | null> => {
    const handle = await openPart(place.partPath, part.bytes)
    try {
      onProgress('fetching', part.bytes)
      for await (const piece of body) {
        if (part.bytes + piece.length > file.bytes) {
          startOver()
          return odd(`got more than the published ${file.bytes} bytes`)
        }
        await writeWhole(handle, piece, part.bytes)
        part.hash.update(piece)
        part.bytes += piece.length
        onProgress('fetching', part.bytes)
      }
      // A response without a length just ends when the connection is lost.
      return part.bytes === file.bytes
        ? null
        : wait(`the connection was lost after ${part.bytes} of ${file.bytes} bytes`)
    } finally {
      await handle.close()
    }
  }

  const finish = async (part: HashedPart): Promise<HubOutcome<'fetched'>> => {
    const found = part.hash.digest('hex')
    hashed = null
    if (found !== file.sha256) {
      startOver()
      wrongHashes += 1
      const reason = `${file.path} has the hash ${found} instead of ${file.sha256}`
      return wrongHashes > 1 ? final(`${reason}, twice: the file was deleted`) : odd(reason)
    }
    const handle = await open(place.partPath, 'r+')
    try {
      await handle.chmod(0o644)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(place.partPath, place.targetPath)
    record(describeVerified(statSync(place.targetPath)))
    return fetched
  }

  /** A file of that name without a record may be the published one, or the user's own. */
  const checkPresent = async (): Promise<HubOutcome<'fetched'> | null> => {
    const stats = statIfThere(place.targetPath)
    if (stats === null) return null
    if (isVerified(place, file)) return fetched
    const differs = `${place.targetPath} exists and differs from the file at ${repo}: move it away first`
    if (!stats.isFile() || stats.size !== file.bytes) return final(differs)
    const hash = await hashFile(place.targetPath, stats.size, signal, (done) => onProgress('checking', done))
    if (hash.digest('hex') !== file.sha256) return final(differs)
    record(describeVerified(stats))
    return fetched
  }

  return {
    /** Bytes of the file on disk. */
    doneBytes: () => hashed?.bytes ?? 0,
    /** Resumes the last attempt. Rejects only when the signal is aborted. */
    attempt: async (): Promise<HubOutcome<'fetched'>> => {
      try {
        const present = await checkPresent()
        if (present !== null) return present
        const part = await readPart()
        if (part.bytes < file.bytes) {
          const problem = await fetchRest(part)
          if (problem !== null) return problem
        }
        return await finish(hashed ?? part)
      } catch (error) {
        signal.throwIfAborted()
        return judgeError(error, place)
      }
    },
  }
}

/** Disk errors are final; everything else is a network problem, which passes. */
const judgeError = (error: unknown, { partPath }: FilePlace): HubProblem => {
  if (isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT'))
    return final(`the disk is full: free some space and fetch again, which resumes where it stopped`)
  const isDisks = ['EACCES', 'EPERM', 'EROFS', 'EIO', 'EISDIR', 'ELOOP'].some((code) => isErrno(error, code))
  if (isDisks) return final(`${partPath} cannot be written: ${messageOf(error)}`)
  return judgeLineError(error)
}

const judgeRange = (
  status: number,
  headers: HubReply['headers'],
  from: number,
  bytes: number,
): 'rest' | 'whole' | HubProblem => {
  const length = headers['content-length'] === undefined ? null : Number(headers['content-length'])
  if (status === 200)
    return length === null || length === bytes
      ? 'whole'
      : odd(`the server announced ${length} bytes instead of the published ${bytes}`)
  // RFC 9110, 14.4; `*`: the total length is unknown.
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
  const isRest =
    match !== null &&
    Number(match[1]) === from &&
    Number(match[2]) < bytes &&
    (match[3] === '*' || Number(match[3]) === bytes)
  return isRest
    ? 'rest'
    : odd(`got the range "${headers['content-range'] ?? ''}" instead of the bytes from ${from} of ${bytes}`)
}

/** A weak ETag doesn't guarantee identical bytes (RFC 9110, 13.1.5). */
const strongEtag = (etag: string | undefined): string | null => (etag?.startsWith('"') === true ? etag : null)

const resolvePath = ({ repo, revision, file }: FileFetchOptions): string =>
  `/${repo}/resolve/${revision}/${file.path.split('/').map(encodeURIComponent).join('/')}`

/**
 * Opens the part and truncates it to the hashed bytes. Group-writable: the other developer's core may resume it.
 */
const openPart = async (path: string, bytes: number): Promise<FileHandle> => {
  const handle = await open(path, bytes === 0 ? 'w' : 'r+', 0o664)
  try {
    await handle.truncate(bytes)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** write(2) may write less than requested. */
const writeWhole = async (handle: FileHandle, piece: Buffer, at: number): Promise<void> => {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await handle.write(piece, done, piece.length - done, at + done)
    done += bytesWritten
  }
}

export const hashFile = async (
  path: string,
  bytes: number,
  signal: AbortSignal,
  onProgress: (doneBytes: number) => void,
): Promise<Hash> => {
  const hash = createHash('sha256')
  let done = 0
  // `end` is inclusive; -1 would be refused.
  for await (const piece of createReadStream(path, { end: bytes - 1, highWaterMark: 1 << 20, signal })) {
    hash.update(piece)
    done += piece.length
    onProgress(done)
  }
  if (done !== bytes) throw new Error(`${path} shrank while it was read`)
  return hash
}

const fetched = { kind: 'ok', value: 'fetched' } as const
