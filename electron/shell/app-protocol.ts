// Serves the window over nexus://, which unlike file: gives it its own origin and headers. Supports old and new Electron.
import { readFile } from 'node:fs/promises'
import type { Protocol } from 'electron'
import { resolveAppFile, scheme } from './app-files.ts'

/** Must come before the app is ready. */
export const registerAppScheme = (protocol: Protocol): void =>
  protocol.registerSchemesAsPrivileged([{ scheme, privileges: { standard: true, secure: true } }])

/** `dir` holds the built window. */
export const serveApp = (protocol: Protocol, dir: string): void => {
  // `handle` came with Electron 25; the tests can only install Electron 9.
  if (typeof protocol.handle === 'function') {
    protocol.handle(scheme, async ({ url }) => {
      const file = await load(url, dir)
      return file === null
        ? new Response(null, { status: 404 })
        : new Response(new Uint8Array(file.data), { headers: file.headers })
    })
    return
  }
  protocol.registerBufferProtocol(scheme, async ({ url }, answer) => {
    const file = await load(url, dir)
    answer(file === null ? { statusCode: 404, data: Buffer.alloc(0) } : file)
  })
}

const load = async (
  url: string,
  dir: string,
): Promise<{ readonly data: Buffer; readonly headers: Record<string, string> } | null> => {
  const file = resolveAppFile(url, dir)
  if (file === null) return null
  try {
    return { data: await readFile(file.path), headers: { ...file.headers } }
  } catch {
    return null
  }
}
