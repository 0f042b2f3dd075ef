// Must be imported before the contract: otherwise zod tries `new Function` once, which the Content-Security-Policy
// reports as an attack (zod's `jitless`, https://zod.dev/api).
import { config } from 'zod'

config({ jitless: true })
