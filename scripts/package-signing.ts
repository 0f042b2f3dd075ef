// Who signs the app and whether Apple is asked to notarise it, by the environment: laid over electron-builder.yml.
import { join } from 'node:path'
import type { MacConfiguration } from 'electron-builder'

type Environment = Readonly<Record<string, string | undefined>>

/** Of an App Store Connect API key (developer.apple.com/documentation/security/notarizing-macos-software-before-distribution). */
const notaryVariables = ['APPLE_API_KEY', 'APPLE_API_KEY_ID', 'APPLE_API_ISSUER'] as const

/**
 * With CSC_LINK or CSC_NAME (electron.build/code-signing), which name a Developer ID, the app is signed with that; with the
 * three APPLE_API variables it is notarised too. Without, it is signed ad hoc: unsigned, macOS calls it damaged. Throws when
 * some of what is needed is missing: a release that was meant to be notarised and is not would open on nobody's Mac.
 */
export const signingOf = (env: Environment): Pick<MacConfiguration, 'identity' | 'notarize'> => {
  const hasIdentity = Boolean(env['CSC_LINK']) || Boolean(env['CSC_NAME'])
  const given = notaryVariables.filter((name) => Boolean(env[name]))
  const missing = notaryVariables.filter((name) => !env[name])
  if (given.length > 0 && missing.length > 0) {
    throw new Error(
      `${given.join(' and ')} set without ${missing.join(' and ')}: notarisation needs all three`,
    )
  }
  if (given.length > 0 && !hasIdentity) {
    throw new Error('Apple notarises only what a Developer ID has signed: set CSC_LINK or CSC_NAME too')
  }
  return hasIdentity ? { notarize: given.length > 0 } : { identity: '-', notarize: false }
}

/**
 * By absolute path: electron-builder 26.17 hands a relative one to codesign, which looks for it from wherever
 * scripts/package was started (issue 11).
 */
export const entitlementsOf = (
  root: string,
): Required<Pick<MacConfiguration, 'entitlements' | 'entitlementsInherit'>> => {
  const path = join(root, 'resources', 'entitlements.mac.plist')
  return { entitlements: path, entitlementsInherit: path }
}
