// A server that speaks the Hub's protocol, with its storage on another port, and misbehaves on request.
//
// Sources of what it says: addresses, the tree's fields and Link from list-files.ts and file-download-info.ts of
// @huggingface/hub 2.17.5; X-Linked-Etag, X-Linked-Size, X-Repo-Commit and X-Error-Code from file_download.py and
// utils/_http.py of huggingface_hub; RateLimit from huggingface.co/docs/hub/rate-limits. Assumed: that an expired link is
// answered 403 with XML, as S3 and CloudFront do.
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** What a file is made of: bytes that depend on where they stand, so that a part in the wrong place changes the hash. */
export interface TestFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  read(from: number, to: number): Buffer
}

const blockBytes = 65_536

export const makeTestFile = (path: string, bytes: number, seed = 1): TestFile => {
  const noise = createHash('sha512').update(`${path} ${seed}`).digest()
  const block = (index: number): Buffer => {
    const made = Buffer.alloc(blockBytes, noise)
    made.writeUInt32LE(index, 0)
    return made
  }
  const read = (from: number, to: number): Buffer => {
    const pieces: Buffer[] = []
    for (let at = from; at < to; ) {
      const index = Math.floor(at / blockBytes)
      const piece = block(index).subarray(
        at - index * blockBytes,
        Math.min(blockBytes, to - index * blockBytes),
      )
      pieces.push(piece)
      at += piece.length
    }
    return Buffer.concat(pieces)
  }
  const hash = createHash('sha256')
  for (let at = 0; at < bytes; at += blockBytes) hash.update(read(at, Math.min(bytes, at + blockBytes)))
  return { path, bytes, sha256: hash.digest('hex'), read }
}

export interface HubRequest {
  readonly at: 'api' | 'resolve' | 'storage'
  readonly url: string
  readonly headers: IncomingMessage['headers']
  /** From which byte on; null: it did not say. */
  readonly from: number | null
  /** 1 for the first of its kind. */
  readonly count: number
}

export type Misbehaviour =
  /** Ends the connection after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  | { readonly kind: 'close' }
  /** Says nothing more after so many bytes. */
  | { readonly kind: 'silent'; readonly afterBytes: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  | {
      readonly kind: 'status'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly text?: string
    }
  /** A page of the network's, with status 200. */
  | { readonly kind: 'html' }
  /** Fewer or more bytes than published. */
  | { readonly kind: 'length'; readonly bytes: number; readonly announced: boolean }
  | { readonly kind: 'corrupt' }
  /** The whole file, whatever part was asked for. */
  | { readonly kind: 'whole' }
  /** A part that begins elsewhere than asked. */
  | { readonly kind: 'other-part' }
  | { readonly kind: 'redirect'; readonly location: string }

export interface TestHub {
  readonly url: string
  readonly storageUrl: string
  readonly requests: readonly HubRequest[]
  /** Asked for each request; null: as it should be. */
  misbehave(decide: (request: HubRequest) => Misbehaviour | null): void
  /** Links that were given out so far are good for nothing. */
  expireLinks(): void
  close(): Promise<void>
}

export interface TestHubOptions {
  readonly repo: string
  readonly files: readonly TestFile[]
  /** Only who has it is let in. */
  readonly token?: string
  /** The Hub gives the file out itself, as mirrors do, under this name. */
  readonly ownEtag?: string
  /** Entries of one page of the tree. */
  readonly pageEntries?: number
}

const revision = 'a'.repeat(40)

export const createTestHub = async (options: TestHubOptions): Promise<TestHub> => {
  const { repo, files, token, ownEtag, pageEntries = 1000 } = options
  const requests: HubRequest[] = []
  let decide: (request: HubRequest) => Misbehaviour | null = () => null
  let signature = randomBytes(4).toString('hex')

  const note = (at: HubRequest['at'], { url = '', headers }: IncomingMessage): HubRequest => {
    const from = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]
    const count = requests.filter((each) => each.at === at).length + 1
    const request = { at, url, headers, from: from === undefined ? null : Number(from), count }
    requests.push(request)
    return request
  }

  const tree = (response: ServerResponse, url: URL) => {
    const start = Number(url.searchParams.get('cursor') ?? 0)
    const end = start + pageEntries
    const entries = files.slice(start, end).map(({ path, bytes, sha256 }) => ({
      type: 'file',
      oid: 'b'.repeat(40),
      size: bytes,
      path,
      lfs: { oid: sha256, size: bytes, pointerSize: 135 },
      xetHash: 'c'.repeat(64),
    }))
    const readme = { type: 'file', oid: 'd'.repeat(40), size: 1500, path: 'README.md' }
    const next = `${hub.url}${url.pathname}?recursive=true&cursor=${end}`
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      ...(end < files.length ? { link: `<${next}>; rel="next"` } : {}),
    })
    response.end(JSON.stringify(start === 0 ? [readme, ...entries] : entries))
  }

  const answerHub = (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? '/', hub.url)
    const isResolve = url.pathname.startsWith(`/${repo}/resolve/${revision}/`)
    const request = note(isResolve ? 'resolve' : 'api', incoming)
    const wrong = decide(request)
    if (token !== undefined && incoming.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401, { 'x-error-code': 'GatedRepo', 'content-type': 'text/plain' })
      response.end('Access to this model is restricted.')
      return
    }
    const path = decodeURIComponent(url.pathname.slice(`/${repo}/resolve/${revision}/`.length))
    const file = files.find((each) => each.path === path)
    if (isResolve && file !== undefined && ownEtag !== undefined)
      send(response, file, request, wrong, ownEtag)
    else if (wrong !== null) answerWrong(response, wrong)
    else if (isResolve && file !== undefined) {
      response.writeHead(302, {
        location: `${hub.storageUrl}/${file.sha256}?X-Amz-Signature=${signature}`,
        'x-linked-etag': `"${file.sha256}"`,
        'x-linked-size': String(file.bytes),
        'x-repo-commit': revision,
        'accept-ranges': 'bytes',
      })
      response.end()
    } else if (url.pathname === `/api/models/${repo}/revision/main`) {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify({ id: repo, sha: revision, gated: token !== undefined }))
    } else if (url.pathname === `/api/models/${repo}/tree/${revision}`) tree(response, url)
    else {
      response.writeHead(404, { 'x-error-code': isResolve ? 'EntryNotFound' : 'RepoNotFound' })
      response.end('{"error":"not found"}')
    }
  }

  const answerStorage = (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? '/', hub.storageUrl)
    const request = note('storage', incoming)
    const file = files.find(({ sha256 }) => url.pathname === `/${sha256}`)
    if (file === undefined || url.searchParams.get('X-Amz-Signature') !== signature) {
      response.writeHead(403, { 'content-type': 'application/xml' })
      response.end('<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>')
      return
    }
    send(response, file, request, decide(request), `"${request.count}-storage"`)
  }

  const hubServer = createServer(answerHub)
  const storageServer = createServer(answerStorage)
  const hub = { url: await listen(hubServer), storageUrl: await listen(storageServer) }

  return {
    ...hub,
    requests,
    misbehave: (next) => {
      decide = next
    },
    expireLinks: () => {
      signature = randomBytes(4).toString('hex')
    },
    close: async () => {
      for (const server of [hubServer, storageServer]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`
}

const answerWrong = (response: ServerResponse, wrong: Misbehaviour): void => {
  switch (wrong.kind) {
    case 'status':
      response.writeHead(wrong.status, { 'content-type': 'text/plain', ...wrong.headers })
      response.end(wrong.text ?? '')
      return
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end('<html><body>Welcome to Hotel Wi-Fi</body></html>')
      return
    case 'redirect':
      response.writeHead(302, { location: wrong.location })
      response.end()
      return
    default:
      response.socket?.destroy()
  }
}

const send = (
  response: ServerResponse,
  file: TestFile,
  { from, headers }: HubRequest,
  wrong: Misbehaviour | null,
  etag: string,
): void => {
  switch (wrong?.kind) {
    case 'close':
    case 'status':
    case 'html':
    case 'redirect':
      answerWrong(response, wrong)
      return
  }
  const isOther = headers['if-range'] !== undefined && headers['if-range'] !== etag
  const isPart = from !== null && wrong?.kind !== 'whole' && !isOther
  const start = isPart ? from + (wrong?.kind === 'other-part' ? 1 : 0) : 0
  if (start >= file.bytes) {
    answerWrong(response, { kind: 'status', status: 416 })
    return
  }
  const end = wrong?.kind === 'length' ? wrong.bytes : file.bytes
  const isAnnounced = wrong?.kind !== 'length' || wrong.announced
  response.writeHead(isPart ? 206 : 200, {
    'content-type': 'binary/octet-stream',
    etag,
    ...(isPart ? { 'content-range': `bytes ${start}-${file.bytes - 1}/${file.bytes}` } : {}),
    ...(isAnnounced ? { 'content-length': String(end - start) } : {}),
  })
  let at = start
  const limit =
    wrong?.kind === 'cut' || wrong?.kind === 'silent' ? Math.min(end, start + wrong.afterBytes) : end
  const pump = () => {
    while (at < limit) {
      const next = Math.min(limit, at + blockBytes)
      const piece = file.read(at, next)
      const first = piece[0]
      if (wrong?.kind === 'corrupt' && at === start && first !== undefined) piece[0] = first ^ 0xff
      at = next
      const isTaken = response.write(piece)
      if (wrong?.kind === 'slow') {
        setTimeout(pump, (1000 * piece.length) / wrong.bytesPerSecond)
        return
      }
      if (!isTaken) {
        response.once('drain', pump)
        return
      }
    }
    if (wrong?.kind === 'silent') return
    if (wrong?.kind === 'cut') response.write('', () => setImmediate(() => response.socket?.destroy()))
    else response.end()
  }
  pump()
}
