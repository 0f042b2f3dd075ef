// Electron's fuses in a packaged program: read, and where the program is too old to have any, given to it to be set.
import { appendFileSync, cpSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { z } from 'zod'

/** @electron/fuses comes with electron-builder, which sets them with it. */
const fuses = createRequire(createRequire(import.meta.url).resolve('electron-builder'))('@electron/fuses')

const fuseNames = [
  'RunAsNode',
  'EnableCookieEncryption',
  'EnableNodeOptionsEnvironmentVariable',
  'EnableNodeCliInspectArguments',
  'EnableEmbeddedAsarIntegrityValidation',
  'OnlyLoadAppFromAsar',
  'LoadBrowserProcessSpecificV8Snapshot',
  'GrantFileProtocolExtraPrivileges',
] as const
type FuseName = (typeof fuseNames)[number]

/** Those that are on. Throws when the program has none. */
export const readFuses = async (program: string): Promise<readonly FuseName[]> => {
  const wire = z.record(z.string(), z.unknown()).parse(await fuses.getCurrentFuseWire(program))
  return fuseNames.filter((_, position) => wire[position] === '1'.charCodeAt(0))
}

/** They came with Electron 12: the packager finds them by a mark in the program (electronjs.org/docs/latest/tutorial/fuses). */
export const hasFuses = (electronVersion: string): boolean => Number(electronVersion.split('.')[0]) >= 12

/** Mark, version of the wire, its length, and each fuse as Electron ships it. */
export const shippedFuseWire = Buffer.concat([
  Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'),
  Buffer.from([1, fuseNames.length]),
  Buffer.from('10110001'),
])

/** A copy of an old Electron with a wire at its end: the fuses have no effect there, but a program that sets them finds them. */
export const copyWithFuses = (electronDist: string, dir: string): void => {
  cpSync(electronDist, dir, { recursive: true })
  appendFileSync(join(dir, 'electron'), shippedFuseWire)
}
