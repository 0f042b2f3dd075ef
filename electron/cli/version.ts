// The version of Nexus.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** The version in the package.json beside `resources`. */
export const readVersion = (resourcesDir: string): string => {
  const value: unknown = JSON.parse(readFileSync(join(resourcesDir, '..', 'package.json'), 'utf8'))
  return z.looseObject({ version: z.string() }).parse(value).version
}
