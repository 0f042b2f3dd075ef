// How a login session is named in the ledger.
import { z } from 'zod'

/**
 * launchd's domain, and the audit session behind it: a number that no other session has until the machine starts anew
 * (getaudit_addr(2)), and that `launchctl print` tells every user, of a job and of a domain (both recorded). What `id -A`
 * says takes root.
 */
export const LoginSessionSchema = z.strictObject({
  domain: z.string().regex(/^(gui|user)\/\d+$/),
  asid: z.number().int().positive(),
})
export type LoginSession = Readonly<z.infer<typeof LoginSessionSchema>>
