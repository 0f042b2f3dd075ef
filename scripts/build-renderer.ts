// Builds only the window: node scripts/build-renderer.ts [TARGET [FOLDER]]     by default as shipped, in out/renderer.
import { join } from 'node:path'
import { appVariants } from './app-variants.ts'
import { buildRenderer } from './renderer-build.ts'

const root = join(import.meta.dirname, '..')
const [target = appVariants.shipped.windowTarget, outDir = join(root, 'out', 'renderer')] =
  process.argv.slice(2)
await buildRenderer(root, { target, outDir })
