// Test support: the app as electron-builder packages it here, around the Electron that the tests have.
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { packageApp } from '../scripts/app-package.ts'
import { copyWithFuses, hasFuses } from './fuse-wire.ts'

const root = join(import.meta.dirname, '..')

/** Such as 9.4.1: it stands beside the program, in every Electron. */
export const readElectronVersion = (electronPath: string): string =>
  readFileSync(join(dirname(electronPath), 'version'), 'utf8')
    .trim()
    .replace(/^v/, '')

export interface PackagedApp {
  readonly unpacked: string
  /** The app's own program. */
  readonly program: string
  /** The `nexus` command that comes along. */
  readonly command: string
}

/** Packages `appDir` into `folder`, which the caller removes. */
export const packageForTest = async (
  { electronPath, appDir }: { readonly electronPath: string; readonly appDir: string },
  folder: string,
): Promise<PackagedApp> => {
  const electronVersion = readElectronVersion(electronPath)
  let electronDist = dirname(electronPath)
  if (!hasFuses(electronVersion)) {
    electronDist = join(folder, 'electron')
    copyWithFuses(dirname(electronPath), electronDist)
  }
  await packageApp(root, {
    target: 'linux-dir',
    config: {
      electronDist,
      electronVersion,
      directories: { app: relative(root, appDir), output: folder },
    },
  })
  const unpacked = join(folder, process.arch === 'arm64' ? 'linux-arm64-unpacked' : 'linux-unpacked')
  return {
    unpacked,
    program: join(unpacked, 'opta-nexus-app'),
    command: join(unpacked, 'resources', 'nexus', 'bin', 'nexus'),
  }
}
