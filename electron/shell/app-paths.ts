// Locates the app's own files: out/app in a clone, the archive's root when packaged.
import { join } from 'node:path'

export interface AppPaths {
  readonly preload: string
  /** The built window. */
  readonly windowDir: string
  readonly iconsDir: string
  readonly command: CommandPaths
}

/** The bundled command line, which starts the core. */
export interface CommandPaths {
  /** Where its `resources` are (NEXUS_ROOT). */
  readonly root: string
  readonly entryPath: string
  /** The bundled Node; null in a clone. */
  readonly nodePath: string | null
}

/** `appDir` is the folder of main.cjs. `resourcesPath` is where a packaged app keeps files that must be outside its archive (electron-builder.yml). */
export const locateAppFiles = (
  appDir: string,
  { isPackaged, resourcesPath }: { readonly isPackaged: boolean; readonly resourcesPath: string },
): AppPaths => ({
  preload: join(appDir, 'preload.cjs'),
  windowDir: join(appDir, 'renderer'),
  iconsDir: join(appDir, 'icons'),
  command: isPackaged
    ? packagedCommand(join(resourcesPath, 'nexus'))
    : clonedCommand(join(appDir, '..', '..')),
})

const packagedCommand = (root: string): CommandPaths => ({
  root,
  entryPath: join(root, 'nexus.mjs'),
  nodePath: join(root, 'node', 'bin', 'node'),
})

const clonedCommand = (root: string): CommandPaths => ({
  root,
  entryPath: join(root, 'out', 'nexus.mjs'),
  nodePath: null,
})
