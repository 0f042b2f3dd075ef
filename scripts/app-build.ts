// Builds the app in out/app: bundles of main process and preload script, the window, icons and a package.json.
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { z } from 'zod'
import { type AppVariant, appVariants } from './app-variants.ts'
import { missingInOldNode, oldNodePlugin } from './old-node.ts'
import { buildRenderer } from './renderer-build.ts'

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
  await buildRenderer(root, { target: facts.windowTarget, outDir: join(partialDir, 'renderer') })
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
