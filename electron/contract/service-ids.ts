// The services of the stack, and their names for people.
import * as z from 'zod'

/** The gateway exists only if the profile has one. */
export const serviceIds = ['ramDisk', 'llamaServer', 'proxy', 'gateway'] as const
export const ServiceIdSchema = z.enum(serviceIds)
export type ServiceId = z.infer<typeof ServiceIdSchema>

/** The services that a command can name, and all of which it means without a name; the gateway follows the Router. */
export const commandedIds = ['ramDisk', 'llamaServer', 'proxy'] as const satisfies readonly ServiceId[]
export const CommandedIdSchema = z.enum(commandedIds)
export type CommandedId = z.infer<typeof CommandedIdSchema>

/** The services that run as our processes. */
export const supervisedIds = ['llamaServer', 'proxy', 'gateway'] as const satisfies readonly ServiceId[]
export type SupervisedId = (typeof supervisedIds)[number]

/** Names for people; ids are for code and JSON. */
export const serviceNames: Readonly<Record<ServiceId, string>> = {
  ramDisk: 'Build Forge',
  llamaServer: 'AI Engine',
  proxy: 'Router',
  gateway: 'Gateway',
}

/** The forge has no process and so no log; the core has its own. */
export const logIds = [...supervisedIds, 'core'] as const
export const LogIdSchema = z.enum(logIds)
export type LogId = z.infer<typeof LogIdSchema>
