// Where the app's own files are: out/app in a clone, the archive's root when packaged.
import { join } from 'node:path'

export interface AppPaths {
  readonly preload: string
  /** The built window. */
  readonly windowDir: string
  readonly iconsDir: string
  /** What the core needs beside its code. */
  readonly resourcesDir: string
}

/** `appDir` is the folder of main.cjs. `resourcesPath` is where a packaged app keeps what must lie outside its archive (electron-builder.yml). */
export const locateAppFiles = (
  appDir: string,
  { isPackaged, resourcesPath }: { readonly isPackaged: boolean; readonly resourcesPath: string },
): AppPaths => ({
  preload: join(appDir, 'preload.cjs'),
  windowDir: join(appDir, 'renderer'),
  iconsDir: join(appDir, 'icons'),
  resourcesDir: isPackaged
    ? join(resourcesPath, 'nexus', 'resources')
    : join(appDir, '..', '..', 'resources'),
})
