// Bundles the window: index.html, window.js and window.css in one folder.
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

export interface RendererBuild {
  /** The esbuild target, as in app-variants.ts. */
  readonly target: string
  readonly outDir: string
}

/** Throws esbuild's error, which names file and line. Lowers only syntax: APIs and CSS are written for the oldest target. */
export const buildRenderer = async (root: string, { target, outDir }: RendererBuild): Promise<void> => {
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
    target,
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
    outdir: outDir,
  })
  await copyFile(join(root, 'renderer', 'index.html'), join(outDir, 'index.html'))
}
