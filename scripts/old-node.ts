// Bundles for Node 12, which the tests' old Electron embeds: it has no `node:` prefix and lacks some modules.
import type { Metafile, Plugin } from 'esbuild'

/** Modules that Node 12.14 lacks, but whose used parts it has elsewhere. */
const substitutes: Readonly<Record<string, string>> = {
  'fs/promises': `module.exports = require('fs').promises`,
  'timers/promises': `
    exports.setTimeout = (ms, value, options = {}) => new Promise((resolve, reject) => {
      const { signal } = options
      if (signal && signal.aborted) return reject(signal.reason)
      const abort = () => { clearTimeout(timer); reject(signal.reason) }
      const timer = setTimeout(() => {
        if (signal) signal.removeEventListener('abort', abort)
        resolve(value)
      }, ms)
      if (signal) signal.addEventListener('abort', abort, { once: true })
    })`,
}

/** What Electron 9.4.1 has of what we may use; \`module.builtinModules\` there, without the deprecated. */
const available: ReadonlySet<string> = new Set(
  (
    'assert async_hooks buffer child_process crypto dns events fs http https module net os path ' +
    'perf_hooks process querystring readline stream string_decoder timers tls tty url util v8 vm ' +
    'worker_threads zlib'
  ).split(' '),
)

export const oldNodePlugin: Plugin = {
  name: 'old-node',
  setup: (build) => {
    build.onResolve({ filter: /^node:/ }, ({ path }) => {
      const name = path.slice('node:'.length)
      // Free of side effects, so that unused parts, and then the import itself, are dropped.
      return name in substitutes
        ? { path: name, namespace: 'old-node' }
        : { path: name, external: true, sideEffects: false }
    })
    build.onLoad({ filter: /.*/, namespace: 'old-node' }, ({ path }) => ({
      contents: substitutes[path] ?? '',
    }))
  },
}

/** Modules that a bundle still imports and Node 12.14 lacks, each with a source that imports it. */
export const missingInOldNode = (metafile: Metafile): readonly string[] => {
  const kept = new Set(
    Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path)),
  )
  return [...kept]
    .filter((path) => path !== 'electron' && !available.has(path))
    .map((path) => {
      const importer = Object.entries(metafile.inputs).find(([, { imports }]) =>
        imports.some((imported) => imported.path === path),
      )
      return `${path} (imported by ${importer?.[0] ?? 'an unknown source'})`
    })
}
