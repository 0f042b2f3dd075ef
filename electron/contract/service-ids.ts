// What the stack is made of, and what people call it.
import * as z from 'zod'

export const serviceIds = ['ramDisk', 'llamaServer', 'proxy'] as const
export const ServiceIdSchema = z.enum(serviceIds)
export type ServiceId = z.infer<typeof ServiceIdSchema>

/** With the gateway, which is there where the profile wants one and comes and goes with the Router: no command names it. */
export const partIds = [...serviceIds, 'gateway'] as const
export const PartIdSchema = z.enum(partIds)
export type PartId = z.infer<typeof PartIdSchema>

/** Those that are a process. */
export const childIds = ['llamaServer', 'proxy', 'gateway'] as const satisfies readonly PartId[]
export type ChildId = (typeof childIds)[number]

/** What people call them; ids stay in code and JSON. */
export const serviceNames: Readonly<Record<PartId, string>> = {
  ramDisk: 'Build Forge',
  llamaServer: 'AI Engine',
  proxy: 'Router',
  gateway: 'Gateway',
}

export const logIds = [...partIds, 'core'] as const
export const LogIdSchema = z.enum(logIds)
export type LogId = z.infer<typeof LogIdSchema>
