// Builds the app in out/app: bundles of main process and preload script, the window, icons and a package.json.
import { copyFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { z } from 'zod'

/** The shipped build, and one lowered for the old Electron that tests can install. Folders are relative to out/. */
export const appVariants = {
  // Electron 45 embeds Node 24. Its Chromium is newer than any syntax used here.
  shipped: { folder: 'app', mainTarget: 'node24', windowTarget: 'chrome140' },
  // Electron 9.4.1. Not "node12": dynamic import came with 12.20 (nodejs.org/api/esm.html, history of import()).
  compatibility: { folder: 'app-compat', mainTarget: 'node12.14', windowTarget: 'chrome83' },
} as const
export type AppVariant = keyof typeof appVariants

const PackageSchema = z.looseObject({
  name: z.string(),
  productName: z.string(),
  version: z.string(),
  description: z.string(),
})

/** Builds in a temporary folder and renames it, so that half an app is never started. Throws esbuild's error. */
export const buildApp = async (root: string, variant: AppVariant): Promise<string> => {
  const facts = appVariants[variant]
  const dir = join(root, 'out', facts.folder)
  const partialDir = `${dir}.partial`
  await rm(partialDir, { recursive: true, force: true })
  await mkdir(partialDir, { recursive: true })
  const isOld = variant === 'compatibility'
  const common: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    // CommonJS for both: a sandboxed preload script needs it (electronjs.org/docs/latest/tutorial/esm), and an ES module as
    // main script may only run after `ready`, too late for set-up that must come before.
    format: 'cjs',
    external: ['electron'],
    inject: isOld ? [join(root, 'scripts', 'old-platform.mjs')] : [],
    plugins: isOld ? [oldNodePlugin] : [],
  }
  const main = await build({
    ...common,
    metafile: true,
    entryPoints: [join('electron', 'main.ts')],
    outfile: join(partialDir, 'main.cjs'),
    platform: 'node',
    target: facts.mainTarget,
    define: {
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
      'import.meta.url': '__importMetaUrl',
    },
    banner: { js: `const __importMetaUrl = require('url').pathToFileURL(__filename).href;` },
  })
  const missing = isOld ? missingInOldNode(main.metafile) : []
  if (missing.length > 0)
    throw new Error(
      `the compatibility build imports modules that Node 12 lacks: ${missing.join(', ')}; use the command line for them (electron/shell/start-core.ts)`,
    )
  await build({
    ...common,
    entryPoints: [join('electron', 'preload.ts')],
    outfile: join(partialDir, 'preload.cjs'),
    platform: 'browser',
    target: facts.windowTarget,
  })
  await buildRenderer(root, join(partialDir, 'renderer'), variant)
  await cp(join(root, 'resources', 'icons'), join(partialDir, 'icons'), {
    recursive: true,
    filter: isNoAppIcon,
  })
  await writeFile(join(partialDir, 'package.json'), await appPackage(root))
  await rm(dir, { recursive: true, force: true })
  await rename(partialDir, dir)
  return dir
}

/** electron-builder handles the app icon; the tray icons are loaded from here. */
const isNoAppIcon = (path: string): boolean => !/\/icon\.[a-z]+$/.test(path)

/** Without dependencies: everything is in the bundles, so nothing from node_modules is packaged. */
const appPackage = async (root: string): Promise<string> => {
  const { name, productName, version, description } = PackageSchema.parse(
    JSON.parse(await readFile(join(root, 'package.json'), 'utf8')),
  )
  return `${JSON.stringify({ name, productName, version, description, main: 'main.cjs' }, null, 2)}\n`
}

/**
 * Bundles the window: index.html, window.js and window.css in `outDir`. Throws esbuild's error, which names file and line.
 * Lowers only syntax: APIs and CSS are written for the oldest target.
 */
export const buildRenderer = async (root: string, outDir: string, variant: AppVariant): Promise<void> => {
  await mkdir(outDir, { recursive: true })
  await build({
    absWorkingDir: root,
    entryPoints: [
      { in: join('renderer', 'window.tsx'), out: 'window' },
      { in: join('renderer', 'style', 'window.css'), out: 'window' },
    ],
    bundle: true,
    minify: true,
    format: 'iife',
    jsx: 'automatic',
    platform: 'browser',
    target: appVariants[variant].windowTarget,
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
    outdir: outDir,
  })
  await copyFile(join(root, 'renderer', 'index.html'), join(outDir, 'index.html'))
}

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

/** Bundles for Node 12, which the tests' old Electron embeds: it has no `node:` prefix and lacks some modules. */
const oldNodePlugin: Plugin = {
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
const missingInOldNode = (metafile: Metafile): readonly string[] => {
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
