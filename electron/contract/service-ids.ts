// What the stack is made of, and what people call it.
import * as z from 'zod'

/** The gateway is there where the profile wants one. */
export const serviceIds = ['ramDisk', 'llamaServer', 'proxy', 'gateway'] as const
export const ServiceIdSchema = z.enum(serviceIds)
export type ServiceId = z.infer<typeof ServiceIdSchema>

/** Those that a command may name, and without a name means: the gateway comes and goes with the Router. */
export const commandedIds = ['ramDisk', 'llamaServer', 'proxy'] as const satisfies readonly ServiceId[]
export const CommandedIdSchema = z.enum(commandedIds)
export type CommandedId = z.infer<typeof CommandedIdSchema>

/** Those that are a process of ours. */
export const supervisedIds = ['llamaServer', 'proxy', 'gateway'] as const satisfies readonly ServiceId[]
export type SupervisedId = (typeof supervisedIds)[number]

/** What people call them; ids stay in code and JSON. */
export const serviceNames: Readonly<Record<ServiceId, string>> = {
  ramDisk: 'Build Forge',
  llamaServer: 'AI Engine',
  proxy: 'Router',
  gateway: 'Gateway',
}

/** The forge has no process and so no log; the core has one of its own. */
export const logIds = [...supervisedIds, 'core'] as const
export const LogIdSchema = z.enum(logIds)
export type LogId = z.infer<typeof LogIdSchema>
