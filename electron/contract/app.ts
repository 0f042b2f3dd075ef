// The window: what it mirrors, and what it may ask of the app.
import * as z from 'zod'
import { type Command, DeveloperNameSchema, type Outcome } from './command.ts'
import type { HistorySample } from './history.ts'
import type { View } from './notice.ts'
import type { Answers, Query } from './question.ts'
import type { LogId } from './service-ids.ts'
import { SnapshotSchema } from './snapshot.ts'
import { count, nullableText } from './values.ts'

/** What the window mirrors: the core's truth, and how the app stands to that core. */
export const AppStateSchema = z.strictObject({
  link: z.discriminatedUnion('kind', [
    /** To the core, which is always a process of its own. */
    z.strictObject({
      kind: z.literal('attached'),
      pid: count,
      /** Whose it is, when it is another user's: this app is a guest there. null: this user's own. */
      user: nullableText,
    }),
    z.strictObject({ kind: z.literal('connecting') }),
    /** No core answers; nothing that was read before is live. */
    z.strictObject({ kind: z.literal('lost'), reason: z.string() }),
  ]),
  /** null unless attached. */
  snapshot: SnapshotSchema.nullable(),
  pinned: z.boolean(),
  openAtLogin: z.enum(['on', 'off', 'requires-approval', 'unavailable']),
  /** Why the system shows no notifications of ours; null when it does or none was tried. */
  notificationsRefused: nullableText,
  version: z.string(),
})
export type AppState = z.infer<typeof AppStateSchema>

/** What the window may ask of the app itself. */
export const AppActionSchema = z.discriminatedUnion('type', [
  /** Puts a snippet with its key on the clipboard: the key itself never reaches the window. */
  z.strictObject({
    type: z.literal('copySnippet'),
    developer: DeveloperNameSchema,
    snippet: z.string().max(64),
  }),
  z.strictObject({ type: z.literal('copyText'), text: z.string().max(1_048_576) }),
  z.strictObject({ type: z.literal('pin'), pinned: z.boolean() }),
  z.strictObject({ type: z.literal('hide') }),
  z.strictObject({ type: z.literal('quit') }),
  z.strictObject({ type: z.literal('openAtLogin'), on: z.boolean() }),
  z.strictObject({
    type: z.literal('openPage'),
    page: z.enum(['notification-settings', 'login-items', 'llama-server-help']),
  }),
])
export type AppAction = z.infer<typeof AppActionSchema>

/** `window.nexus`: all that the preload script lets the window do. */
export interface Bridge {
  /** Calls `listener` with the present state first; the returned function ends that. */
  onState(listener: (state: AppState) => void): () => void
  /** The whole history first, then each new sample as an array of one. */
  onHistory(listener: (samples: readonly HistorySample[]) => void): () => void
  /** New lines of a log, from now on. */
  onLogLines(log: LogId, listener: (lines: readonly string[]) => void): () => void
  /** A notification or a menu asks for a view. */
  onView(listener: (view: View) => void): () => void
  dispatch(command: Command): Promise<Outcome>
  ask<T extends Query['type']>(query: Extract<Query, { type: T }>): Promise<Answers[T]>
  act(action: AppAction): Promise<Outcome>
}
