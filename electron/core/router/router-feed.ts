// The Router's live requests, from the unix socket of its Python module: one full state per line.
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import {
  type DeveloperUse,
  DeveloperUseSchema,
  type RouterRequest,
  RouterRequestSchema,
} from '../../contract/snapshot.ts'
import { within } from '../base/first-of.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { createLineReader } from '../base/line-reader.ts'

/** What a slot holds, from the Router's own record (resources/opta_cache.py). */
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

/** Written by resources/opta_requests.py. */
const StateSchema = z.object({
  // An adopted Router of an earlier release sends no node.
  requests: z.array(RouterRequestSchema.partial({ node: true })),
  /** The local day of the sums, such as 2026-11-23. */
  day: z.string(),
  developers: z.array(DeveloperUseSchema),
  // Absent if the Router pins no conversations or has an earlier release.
  slots: z.array(HeldSlotSchema).optional(),
  cacheEvents: z.array(CacheEventSchema).optional(),
  /** How many park requests it has carried out. */
  parkings: z.number().optional(),
})
type FeedState = z.infer<typeof StateSchema>

/** A request takes about 250 bytes; 4,000 at once don't happen. */
const maxLineBytes = 1_048_576

export type RouterFeed = ReturnType<typeof createRouterFeed>

/**
 * @param onChange called when a request comes, is measured, changes its phase or goes; not for generated tokens, which are
 * read with the next snapshot
 */
export const createRouterFeed = (options: {
  readonly socketPath: string
  readonly onChange: () => void
  /** Called once per event, in order; not for events from before this feed. */
  readonly onCacheEvent?: (event: CacheEvent) => void
  readonly now?: () => Date
}) => {
  const now = options.now ?? (() => new Date())
  /** Each Router counts its events from 1, so only their time tells a new Router's events from an old one's. */
  let told = { at: now().getTime(), number: 0 }
  /** Checked with each state. */
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
      // Each line is the whole state: only the last of several still holds.
      const last = lines?.at(-1)
      if (last !== undefined) hear(last)
      if (lines === null) connection.destroy()
    })
    // An earlier Router version has no such socket, and one that ends closes it. Its phase shows the next start.
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
    /** In order of arrival; null when unknown. */
    requests: (): RouterRequest[] | null =>
      state?.requests.map((request) => ({ ...request, node: request.node ?? null })) ?? null,
    /** Today's sums; null when unknown. */
    developers: (): DeveloperUse[] | null => {
      if (state === null) return null
      return state.day === localDay(now()) ? state.developers : []
    },
    /** What each slot holds; null when unknown or nothing is pinned. */
    heldSlots: (): readonly HeldSlot[] | null => state?.slots ?? null,
    /**
     * Asks the Router to save conversations held only in llama-server's memory, before that ends. Settles when done, after
     * `waitMs`, or at once when no Router that can do so is connected.
     */
    park: async (waitMs: number): Promise<void> => {
      const before = state?.parkings
      if (socket === null || before === undefined) return
      socket.write('park\n')
      const isOver = () => (state?.parkings ?? Number.POSITIVE_INFINITY) > before
      const told = async () => {
        while (!isOver()) await new Promise<void>((resolve) => parking.push(resolve))
      }
      await within(told(), waitMs)
    },
    /** Call when the Router becomes ready; keeps an existing connection. */
    connect: (): void => {
      if (socket !== null) return
      socket = connect(options.socketPath)
      attend(socket)
    },
    close: (): void => {
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
