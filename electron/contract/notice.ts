// Events and notices, each with the view that shows it.
import * as z from 'zod'
import { ServiceIdSchema } from './service-ids.ts'
import { epochMs } from './values.ts'

/** A place in the window. */
const viewIds = ['glance', 'logs', 'plan', 'models', 'doctor', 'clients', 'settings'] as const
export const ViewSchema = z.strictObject({ id: z.enum(viewIds), service: ServiceIdSchema.nullable() })
export type View = z.infer<typeof ViewSchema>

/** Something that happened, for a person to look back at. */
export const StackEventSchema = z.strictObject({
  at: epochMs,
  severity: z.enum(['info', 'warning', 'critical']),
  service: ServiceIdSchema.nullable(),
  text: z.string(),
})
export type StackEvent = z.infer<typeof StackEventSchema>

/** A current condition that a person should know about; it goes away when the condition ends. */
export const NoticeSchema = z.strictObject({
  /** One for each condition, such as `slots-full` or `crashed-proxy`; equal ids are the same notice. */
  id: z.string(),
  since: epochMs,
  severity: z.enum(['info', 'warning', 'critical']),
  title: z.string(),
  body: z.string(),
  /** The view that shows the cause. */
  view: ViewSchema,
  /** Whether a system notification is due: not in quiet hours, not when notifications are off. */
  raise: z.boolean(),
})
export type Notice = z.infer<typeof NoticeSchema>
