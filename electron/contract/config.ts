// config.json, as the user wrote it.
import * as z from 'zod'
import { ProfileOverrideSchema } from './profile.ts'
import { port, wholeNumber } from './values.ts'

const profileName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of letters, digits and dashes')

const timeOfDay = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'a time of day from 00:00 to 23:59')

export const GuestsSchema = z.union(
  [
    z.enum(['none', 'everyone']),
    z.strictObject({
      /** The guests' socket gets this group, which chown(2) allows only for groups that the user belongs to. */
      group: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, 'the name of a group of this machine'),
    }),
  ],
  'none, everyone, or { "group": NAME }',
)
export type Guests = z.infer<typeof GuestsSchema>

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  /** null: `studio` when its model files are there, else `demo`. */
  profile: profileName.nullable().default(null),
  profiles: z.record(profileName, ProfileOverrideSchema).default({}),
  /** How long `down` and `restart` let busy slots finish before it stops them. */
  drainSeconds: wholeNumber(0, 3600, 'a number of seconds').default(30),
  /** How long a service may take to end after SIGTERM before SIGKILL. */
  stopGraceSeconds: wholeNumber(1, 600, 'a number of seconds').default(10),
  notifications: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** Local times between which no notification is raised; tray and window still show it. null: never quiet. */
      quietHours: z.strictObject({ from: timeOfDay, to: timeOfDay }).nullable().default(null),
    })
    .default({ enabled: true, quietHours: null }),
  /** The text beside the menu-bar icon. */
  menuBarText: z.enum(['none', 'slots', 'slots-and-speed']).default('slots-and-speed'),
  /** Whether the app starts the stack when it is opened. */
  startStackAtLaunch: z.boolean().default(false),
  /** Port of 127.0.0.1 for Prometheus, at /metrics; absent or null: none. */
  metricsPort: port.nullable().optional(),
  /**
   * Which other users of this machine may see, start, stop and restart the stack, but never keys or settings; absent or
   * null: on macOS the group `staff`, which is everyone with an account, elsewhere no one.
   */
  guests: GuestsSchema.nullable().optional(),
})
export type Config = z.infer<typeof ConfigSchema>
