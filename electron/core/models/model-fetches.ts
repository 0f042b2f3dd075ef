// The core's queue of model fetches: one at a time, until done or cancelled, and resumed by the next core.
import { join } from 'node:path'
import { z } from 'zod'
import type { Command, Outcome } from '../../contract/command.ts'
import type { ModelFetch } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import { statIfThere } from '../base/regular-file.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { LogError } from '../logs/core-log.ts'
import type { CatalogueModel } from './catalogue.ts'
import { hubEndpoint, judgeEndpoint } from './hub-address.ts'
import type { FetchEnd, FetchPace } from './model-fetch.ts'
import {
  type Listing,
  ListingSchema,
  type ModelRequest,
  ModelRequestSchema,
  type PublishedFile,
  parseModelRequest,
} from './model-request.ts'
import type { RoomFacts } from './models-folder.ts'
import { createTransferRate, type TransferRate } from './transfer-rate.ts'

export type ModelFetches = ReturnType<typeof createModelFetches>

export interface ModelFetchesOptions {
  readonly folder: Pick<StateFolder, 'modelsDir' | 'fetchesPath' | 'keysDir'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readCatalogue: () => readonly CatalogueModel[]
  readonly findElsewhere: (file: PublishedFile) => Promise<readonly string[]>
  /** Where the Build Forge is mounted; null: not mounted or unknown. */
  readonly ramDiskMount: () => string | null
  /** A phase or its reason changed. */
  readonly onChange: () => void
  readonly onEnded: (fetch: ModelFetch) => void
  readonly logError: LogError
  readonly pace?: FetchPace
  readonly readRoom?: (dir: string, ramDiskMount: string | null) => RoomFacts
}

const usualPace: FetchPace = { silenceMs: 60_000, firstWaitMs: 1_000, longestWaitMs: 60_000 }

/** How many ended fetches are still shown. */
const keptEnded = 5

const WantedSchema = z.strictObject({
  version: z.literal(1),
  fetches: z.array(
    z.strictObject({
      request: ModelRequestSchema,
      endpoint: z.string(),
      /** The files of the model, once they are known. */
      listing: ListingSchema.nullable(),
    }),
  ),
})

interface Job {
  readonly request: ModelRequest
  readonly endpoint: string
  /** Only in memory. */
  readonly token: string | null
  readonly rate: TransferRate
  readonly stop: AbortController
  listing: Listing | null
  phase: ModelFetch['phase']
  reason: string | null
  file: string | null
  doneBytes: number
}

const isEnded = ({ phase }: Pick<Job, 'phase'>): boolean =>
  phase === 'done' || phase === 'failed' || phase === 'cancelled'

export const createModelFetches = (options: ModelFetchesOptions) => {
  const { folder, env, onChange, logError, pace = usualPace } = options
  const tokenPath = join(folder.keysDir, 'huggingface.token')
  let jobs: readonly Job[] = []
  let closing = false
  let working: Promise<void> | null = null

  const remember = (): void => {
    const fetches = jobs
      .filter((job) => !isEnded(job))
      .map(({ request, endpoint, listing }) => ({ request, endpoint, listing }))
    writePrivateFile(folder.fetchesPath, `${JSON.stringify({ version: 1, fetches })}\n`)
  }

  /** If it can't be saved (a full disk), this core carries on anyway. */
  const tryRemember = (): void => {
    try {
      remember()
    } catch (error) {
      logError(new Error(`could not save the list of models to fetch: ${messageOf(error)}`))
    }
  }

  const enter = (job: Job, phase: Job['phase'], reason: string | null = null): void => {
    // A last chunk may arrive after it was cancelled.
    if (isEnded(job) || (job.phase === phase && job.reason === reason)) return
    if (phase !== 'fetching') job.rate.reset()
    job.phase = phase
    job.reason = reason
    onChange()
  }

  const end = (job: Job, phase: 'done' | 'failed' | 'cancelled', reason: string | null): void => {
    if (isEnded(job)) return
    enter(job, phase, reason)
    tryRemember()
    options.onEnded(describe(job))
  }

  const fetchOne = async (job: Job): Promise<FetchEnd> => {
    // Load TLS and the rest only when needed: most cores fetch nothing.
    const [{ fetchModel }, { readRoom }] = await Promise.all([
      import('./model-fetch.ts'),
      import('./models-folder.ts'),
    ])
    return fetchModel({
      request: job.request,
      hub: {
        endpoint: new URL(job.endpoint),
        token: job.token ?? (env['HF_TOKEN'] || readTokenFile(tokenPath)),
        env,
      },
      tokenPath,
      modelsDir: folder.modelsDir,
      listing: job.listing,
      pace,
      signal: job.stop.signal,
      findElsewhere: options.findElsewhere,
      readRoom: () => (options.readRoom ?? readRoom)(folder.modelsDir, options.ramDiskMount()),
      onListed: (listing) => {
        job.listing = listing
        tryRemember()
      },
      onPhase: (phase, reason) => enter(job, phase, reason),
      onBytes: (file, doneBytes) => {
        job.file = file
        job.doneBytes = doneBytes
        if (job.phase === 'fetching') job.rate.add(doneBytes)
      },
    })
  }

  const work = async (): Promise<void> => {
    for (;;) {
      const job = jobs.find((each) => !isEnded(each))
      if (job === undefined || closing) return
      try {
        const fetched = await fetchOne(job)
        if (fetched.kind === 'done') end(job, 'done', fetched.path)
        else end(job, 'failed', fetched.reason)
      } catch (error) {
        if (!closing) end(job, 'failed', messageOf(error))
      }
    }
  }

  const begin = (): void => {
    working ??= work().finally(() => {
      working = null
      // One may have been added at the last moment.
      if (!closing && jobs.some((job) => !isEnded(job))) begin()
    })
  }

  const describe = ({ request, listing, file, phase, reason, doneBytes, rate }: Job): ModelFetch => {
    const totalBytes = listing === null ? null : listing.files.reduce((sum, { bytes }) => sum + bytes, 0)
    const bytesPerSecond = phase === 'fetching' ? rate.read() : null
    const secondsLeft =
      totalBytes === null || bytesPerSecond === null || bytesPerSecond === 0
        ? null
        : Math.max(0, totalBytes - doneBytes) / bytesPerSecond
    return { id: request.id, file, doneBytes, totalBytes, bytesPerSecond, secondsLeft, phase, reason }
  }

  const add = (
    request: ModelRequest,
    endpoint: string,
    token: string | null,
    listing: Listing | null,
  ): void => {
    const others = jobs.filter((job) => job.request.id !== request.id)
    const surplus = others.filter(isEnded).slice(0, -keptEnded)
    const job: Job = {
      request,
      endpoint,
      token,
      listing,
      rate: createTransferRate(),
      stop: new AbortController(),
      phase: 'queued',
      reason: null,
      file: null,
      doneBytes: 0,
    }
    jobs = [...others.filter((other) => !surplus.includes(other)), job]
  }

  return {
    /** Answers immediately; problems with the repository appear in `state`. */
    start: ({ model, endpoint, token }: Extract<Command, { type: 'fetchModel' }>): Outcome => {
      const reading = parseModelRequest(model, options.readCatalogue())
      if (reading.kind === 'unknown') return refuse(reading.reason)
      const { request } = reading
      if (jobs.some((job) => job.request.id === request.id && !isEnded(job))) return { accepted: true }
      const address = endpoint ?? (env['HF_ENDPOINT'] || hubEndpoint)
      const reason = judgeEndpoint(address)
      if (reason !== null) return refuse(reason)
      const before = jobs
      add(request, address, token, null)
      try {
        remember()
      } catch (error) {
        jobs = before
        return refuse(messageOf(error))
      }
      onChange()
      begin()
      return { accepted: true }
    },
    cancel: (id: string): Outcome => {
      const active = jobs.filter((job) => !isEnded(job))
      const job = active.find(({ request }) => request.id === id)
      if (job === undefined) {
        const names = active.map(({ request }) => request.id).join(', ')
        return refuse(`"${id}" is not being fetched${names === '' ? '' : `; being fetched: ${names}`}`)
      }
      end(job, 'cancelled', null)
      job.stop.abort(new Error('the fetch was cancelled'))
      return { accepted: true }
    },
    /** Resumes an earlier core's fetches. */
    resume: (): void => {
      for (const { request, endpoint, listing } of readRecord(folder.fetchesPath, WantedSchema)?.fetches ??
        [])
        if (judgeEndpoint(endpoint) === null) add(request, endpoint, null, listing)
      begin()
    },
    /** The latest last. */
    state: (): ModelFetch[] => jobs.map(describe),
    /** Whether one is running or waiting. */
    isActive: (): boolean => jobs.some((job) => !isEnded(job)),
    /** Stops all fetches; the next core resumes them. */
    close: async (): Promise<void> => {
      closing = true
      for (const { stop } of jobs) stop.abort(new Error('the core is shutting down'))
      await working
    },
  }
}

const refuse = (reason: string): Outcome => ({ accepted: false, reason })

/** null: there is none. Throws when others can read it or it is invalid. */
const readTokenFile = (path: string): string | null => {
  const stats = statIfThere(path)
  if (stats === null) return null
  if ((stats.mode & 0o077) !== 0)
    throw new Error(`${path} is readable by others (mode ${(stats.mode & 0o777).toString(8)}): chmod 600 it`)
  const token = readFileOrNull(path)?.trim() ?? ''
  if (/^[\x21-\x7e]{1,512}$/.test(token)) return token
  throw new Error(`${path} holds no token: allowed is one line of printable ASCII characters without spaces`)
}
