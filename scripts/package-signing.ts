// Signing and notarisation settings from the environment, which override electron-builder.yml.
import { join } from 'node:path'
import type { MacConfiguration } from 'electron-builder'

type Environment = Readonly<Record<string, string | undefined>>

/** For an App Store Connect API key (developer.apple.com/documentation/security/notarizing-macos-software-before-distribution). */
const notaryVariables = ['APPLE_API_KEY', 'APPLE_API_KEY_ID', 'APPLE_API_ISSUER'] as const

/**
 * CSC_LINK or CSC_NAME (electron.build/code-signing) name a Developer ID that signs the app; with the three APPLE_API
 * variables it is also notarised. Without them it is signed ad hoc, because macOS calls an unsigned app damaged. Throws on
 * incomplete settings: a release without its intended notarisation would not open on any Mac.
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
