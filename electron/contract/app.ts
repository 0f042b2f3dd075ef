// The window: the state it mirrors, and the app actions it may request.
import * as z from 'zod'
import { type Command, DeveloperNameSchema, type Outcome } from './command.ts'
import type { HistorySample } from './history.ts'
import type { View } from './notice.ts'
import type { Answers, Query } from './question.ts'
import type { LogId } from './service-ids.ts'
import { SnapshotSchema } from './snapshot.ts'
import { count, nullableText } from './values.ts'

/** The window's state: the core's snapshot, and the app's link to that core. */
export const AppStateSchema = z.strictObject({
  link: z.discriminatedUnion('kind', [
    /** To the core, which is always a separate process. */
    z.strictObject({
      kind: z.literal('attached'),
      pid: count,
      /** The owner, if another user: this app is then a guest. null: this user's own core. */
      user: nullableText,
    }),
    z.strictObject({ kind: z.literal('connecting') }),
    /** No core answers; earlier readings are no longer live. */
    z.strictObject({ kind: z.literal('lost'), reason: z.string() }),
  ]),
  /** null unless attached. */
  snapshot: SnapshotSchema.nullable(),
  pinned: z.boolean(),
  openAtLogin: z.enum(['on', 'off', 'requires-approval', 'unavailable']),
  /** Why the system doesn't show our notifications; null when it does or none was tried. */
  notificationsRefused: nullableText,
  version: z.string(),
})
export type AppState = z.infer<typeof AppStateSchema>

/** The app's own actions for the window. */
export const AppActionSchema = z.discriminatedUnion('type', [
  /** Copies a snippet with its key to the clipboard: the key itself never reaches the window. */
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

/** `window.nexus`: the window's only API, from the preload script. */
export interface Bridge {
  /** Calls `listener` with the current state first; returns the function that ends it. */
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
