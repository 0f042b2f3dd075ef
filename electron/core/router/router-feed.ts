// The Router's live requests as it tells them: a unix socket that its Python module serves, one state a line.
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import {
  type DeveloperUse,
  DeveloperUseSchema,
  type RouterRequest,
  RouterRequestSchema,
} from '../../contract/snapshot.ts'
import { within } from '../base/deadline.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { createLineReader } from '../base/line-reader.ts'

/** What a slot holds by the Router's own book (resources/opta_cache.py). */
const HeldSlotSchema = z.object({
  id: z.number(),
  developer: z.string().nullable(),
  conversation: z.string().nullable(),
  named: z.boolean(),
})
export type HeldSlot = z.infer<typeof HeldSlotSchema>

const CacheEventSchema = z.object({
  number: z.number(),
  at: z.number(),
  kind: z.enum(['parked', 'restored', 'refused']),
  text: z.string(),
})
/** What became of a parked conversation. */
export type CacheEvent = z.infer<typeof CacheEventSchema>

/** resources/opta_requests.py writes it. */
const StateSchema = z.object({
  // A Router of an earlier release, taken over, tells no node.
  requests: z.array(RouterRequestSchema.partial({ node: true })),
  /** The local day that the sums are of, such as 2026-11-23. */
  day: z.string(),
  developers: z.array(DeveloperUseSchema),
  // Absent from a Router that pins no conversations, or of an earlier release.
  slots: z.array(HeldSlotSchema).optional(),
  cacheEvents: z.array(CacheEventSchema).optional(),
  /** How often it was asked to park and has. */
  parkings: z.number().optional(),
})
type FeedState = z.infer<typeof StateSchema>

/** A request is some 250 bytes; nobody has 4,000 at once. */
const maxLineBytes = 1_048_576

export interface RouterFeed {
  /** In the order of their arrival; null while the Router does not tell. */
  readonly requests: () => RouterRequest[] | null
  /** Sums of today; null while the Router does not tell. */
  readonly developers: () => DeveloperUse[] | null
  /** What each slot holds; null while the Router does not tell, or pins nothing. */
  readonly heldSlots: () => readonly HeldSlot[] | null
  /**
   * Lets the Router write to files what only llama-server's memory holds, before that ends; settles when it has, after
   * `waitMs`, or at once when no Router that could is connected.
   */
  park(waitMs: number): Promise<void>
  /** To be called when the Router has become ready; a connection that there is stays. */
  connect(): void
  close(): void
}

/**
 * @param onChange called when a request came, was measured, changed its phase, or went; how many tokens it has generated is
 * read when somebody looks
 */
export const createRouterFeed = (options: {
  readonly socketPath: string
  readonly onChange: () => void
  /** Called once for each, in their order; not for those from before this feed. */
  readonly onCacheEvent?: (event: CacheEvent) => void
  readonly now?: () => Date
}): RouterFeed => {
  const now = options.now ?? (() => new Date())
  /** A Router counts its events from 1, so that a new one's are told from an old one's by their time. */
  let told = { at: now().getTime(), number: 0 }
  /** Looked at with each state. */
  const parking: (() => void)[] = []
  let socket: Socket | null = null
  let state: FeedState | null = null

  const hear = (line: string) => {
    const parsed = StateSchema.safeParse(parseJsonOrNull(line))
    const next = parsed.success ? parsed.data : null
    const differs = outline(next) !== outline(state)
    state = next
    for (const settle of parking.splice(0)) settle()
    for (const event of next?.cacheEvents ?? []) {
      if (event.at < told.at || (event.at === told.at && event.number <= told.number)) continue
      told = event
      options.onCacheEvent?.(event)
    }
    if (differs) options.onChange()
  }

  const attend = (connection: Socket) => {
    const reader = createLineReader(maxLineBytes)
    connection.on('data', (piece) => {
      const lines = reader.push(piece)
      // Each line is everything: of several only the last is still true.
      const last = lines?.at(-1)
      if (last !== undefined) hear(last)
      if (lines === null) connection.destroy()
    })
    // A Router of an earlier version has no such socket; one that ends closes it. Its next start is told by its phase.
    connection.on('error', () => {})
    connection.once('close', () => {
      if (socket !== connection) return
      socket = null
      const wasTold = state !== null
      state = null
      for (const settle of parking.splice(0)) settle()
      if (wasTold) options.onChange()
    })
  }

  return {
    requests: () => state?.requests.map((request) => ({ ...request, node: request.node ?? null })) ?? null,
    developers: () => {
      if (state === null) return null
      return state.day === localDay(now()) ? state.developers : []
    },
    heldSlots: () => state?.slots ?? null,
    park: async (waitMs) => {
      const before = state?.parkings
      if (socket === null || before === undefined) return
      socket.write('park\n')
      const isOver = () => (state?.parkings ?? Number.POSITIVE_INFINITY) > before
      const told = async () => {
        while (!isOver()) await new Promise<void>((resolve) => parking.push(resolve))
      }
      await within(told(), waitMs)
    },
    connect: () => {
      if (socket !== null) return
      socket = connect(options.socketPath)
      attend(socket)
    },
    close: () => {
      const connection = socket
      socket = null
      state = null
      connection?.destroy()
    },
  }
}

const outline = (state: FeedState | null): string =>
  state === null
    ? ''
    : `;${state.requests.map(({ id, phase, promptTokens }) => `${id}:${phase}:${promptTokens}`).join(' ')}`

/** Python's date.today().isoformat(). */
export const localDay = (date: Date): string => {
  const two = (number: number) => String(number).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
