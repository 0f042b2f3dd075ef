// The main process's end of the bridge: checks the sender and the arguments of every call first.
import type { IpcMain, WebContents } from 'electron'
import { z } from 'zod'
import { type AppAction, AppActionSchema } from '../contract/app.ts'
import { type Command, CommandSchema, type Outcome } from '../contract/command.ts'
import { type Answers, type Query, QuerySchema } from '../contract/question.ts'
import { messageOf } from '../core/base/error-message.ts'
import { origin } from './app-protocol.ts'
import { channels, type Reply } from './channels.ts'
import { type Feeds, TopicSchema } from './feeds.ts'

interface IpcTargets {
  /** The contents of our one window; null while there is none. */
  window(): WebContents | null
  readonly feeds: Feeds
  dispatch(command: Command): Promise<Outcome>
  ask(query: Query): Promise<Answers[keyof Answers]>
  act(action: AppAction): Promise<Outcome>
}

const FeedIdSchema = z.number().int().nonnegative()
const FollowSchema = z.strictObject({ id: FeedIdSchema, topic: TopicSchema })

export const serveIpc = (ipcMain: IpcMain, targets: IpcTargets): void => {
  const serve = <T>(channel: string, schema: z.ZodType<T>, carryOut: (payload: T) => unknown): void => {
    ipcMain.handle(channel, (event, payload: unknown) =>
      answerCall(event, targets.window(), payload, { channel, schema, carryOut }),
    )
  }
  serve(channels.dispatch, CommandSchema, targets.dispatch)
  serve(channels.ask, QuerySchema, targets.ask)
  serve(channels.act, AppActionSchema, targets.act)
  serve(channels.follow, FollowSchema, ({ id, topic }) => targets.feeds.follow(id, topic))
  serve(channels.unfollow, FeedIdSchema, targets.feeds.unfollow)
}

interface Call<T> {
  readonly channel: string
  readonly schema: z.ZodType<T>
  readonly carryOut: (payload: T) => unknown
}

/** Never rejects, and tells an untrusted sender nothing but that it is one. */
export const answerCall = async <T>(
  event: CallEvent,
  window: Caller | null,
  payload: unknown,
  { channel, schema, carryOut }: Call<T>,
): Promise<Reply<unknown>> => {
  if (!isTrustedSender(event, window)) return { ok: false, reason: `${channel}: only the window may ask` }
  const parsed = schema.safeParse(payload)
  if (!parsed.success) return { ok: false, reason: `${channel}: ${z.prettifyError(parsed.error)}` }
  try {
    return { ok: true, value: await carryOut(parsed.data) }
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  }
}

interface Frame {
  readonly url: string
}

/** The part of WebContents used here. */
export interface Caller {
  getURL(): string
  readonly mainFrame: Frame
}

/** The part of Electron's IpcMainInvokeEvent used here; before Electron 12 it had no `senderFrame`. */
export interface CallEvent {
  readonly sender: Caller
  readonly senderFrame?: Frame | null
}

/**
 * Whether the call comes from the main frame of our window, showing our page. `window`: the contents of our one window; null
 * while there is none.
 */
const isTrustedSender = (event: CallEvent, window: Caller | null): boolean => {
  if (window === null || event.sender !== window) return false
  if (!('senderFrame' in event)) return isOurs(event.sender.getURL())
  const frame = event.senderFrame
  // null once the frame has navigated away or was destroyed (Electron's docs of IpcMainInvokeEvent).
  return frame != null && frame === window.mainFrame && isOurs(frame.url)
}

const isOurs = (address: string): boolean => address === origin || address.startsWith(`${origin}/`)
