// Serves the window over nexus://, which unlike file: gives it its own origin and headers. Supports old and new Electron.
import { readFile } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'
import type { Protocol } from 'electron'

const scheme = 'nexus'
export const origin = `${scheme}://app`
export const windowUrl = `${origin}/index.html`

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

const mimeTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

/** Loads only our own files and sends nothing anywhere: the window talks only through its bridge. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
  "connect-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/**
 * The file of the window at a nexus:// address. null for another origin, for a file type that the window doesn't use, and for
 * anything outside `dir`.
 */
export const resolveAppFile = (address: string, dir: string) => {
  const pathname = readPathname(address)
  if (pathname === null) return null
  const root = normalize(dir)
  const path = join(root, pathname)
  const mimeType = mimeTypes[extname(path)]
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep) || mimeType === undefined) return null
  return {
    path,
    headers: {
      'Content-Type': mimeType,
      'Content-Security-Policy': contentSecurityPolicy,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
    },
  }
}

/** The decoded path of one of our addresses; null for any other, and for one that can't be decoded or contains a NUL. */
const readPathname = (address: string): string | null => {
  try {
    const { protocol, host, pathname } = new URL(address)
    if (protocol !== `${scheme}:` || host !== 'app') return null
    const decoded = decodeURIComponent(pathname)
    return decoded.includes('\0') || decoded.includes('\\') ? null : decoded
  } catch {
    return null
  }
}
