// What has happened and what a person should know, with the view that shows it.
import * as z from 'zod'
import { ServiceIdSchema } from './service-ids.ts'
import { epochMs } from './values.ts'

/** Where in the window something is shown. */
const viewIds = ['glance', 'logs', 'plan', 'models', 'doctor', 'clients', 'settings'] as const
export const ViewSchema = z.strictObject({ id: z.enum(viewIds), service: ServiceIdSchema.nullable() })
export type View = z.infer<typeof ViewSchema>

/** Something that happened and that a person may want to look back at. */
export const StackEventSchema = z.strictObject({
  at: epochMs,
  severity: z.enum(['info', 'warning', 'critical']),
  service: ServiceIdSchema.nullable(),
  text: z.string(),
})
export type StackEvent = z.infer<typeof StackEventSchema>

/** Something that holds now and that a person should know; it goes when it no longer holds. */
export const NoticeSchema = z.strictObject({
  /** One for each condition, such as `slots-full` or `crashed-proxy`: the same one twice is the same notice. */
  id: z.string(),
  since: epochMs,
  severity: z.enum(['info', 'warning', 'critical']),
  title: z.string(),
  body: z.string(),
  /** Where its cause is shown. */
  view: ViewSchema,
  /** Whether a system notification is due: not in quiet hours, not when notifications are off. */
  raise: z.boolean(),
})
export type Notice = z.infer<typeof NoticeSchema>
