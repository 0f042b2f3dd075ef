// How a login session is named in the ledger.
import { z } from 'zod'

/**
 * launchd's domain and its audit session id, which is unique until the machine reboots (getaudit_addr(2)). Any user can read
 * it from `launchctl print` of a job or a domain (both recorded); `id -A` needs root.
 */
export const LoginSessionSchema = z.strictObject({
  domain: z.string().regex(/^(gui|user)\/\d+$/),
  asid: z.number().int().positive(),
})
export type LoginSession = Readonly<z.infer<typeof LoginSessionSchema>>
