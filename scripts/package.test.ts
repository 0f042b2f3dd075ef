import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { entitlementsOf, signingOf } from './app-package.ts'

const root = join(import.meta.dirname, '..')
const config = parse(readFileSync(join(root, 'electron-builder.yml'), 'utf8'))

// electron-builder's own check against its JSON schema (app-builder-lib/scheme.json), which its types leave out.
const { validateConfiguration } = createRequire(createRequire(import.meta.url).resolve('electron-builder'))(
  'app-builder-lib/out/util/config/config',
)
const validate = (value: object): Promise<void> =>
  validateConfiguration(structuredClone(value), { isEnabled: false, add: () => {} })

const developerId = { CSC_NAME: 'Opta' }
const notary = { APPLE_API_KEY: '/k.p8', APPLE_API_KEY_ID: 'ID', APPLE_API_ISSUER: 'issuer' }

describe('electron-builder.yml', () => {
  it.each([[{}], [developerId], [{ ...developerId, ...notary }]])(
    'is what electron-builder takes, signed as %j says',
    async (env) => {
      await validate({ ...config, mac: { ...config.mac, ...signingOf(env), ...entitlementsOf(root) } })
    },
  )

  it('would be refused with a misspelt option', async () => {
    await expect(validate({ ...config, mac: { ...config.mac, hardenedRuntimes: true } })).rejects.toThrow(
      'configuration.mac',
    )
  })

  it('turns off what lets others run code as the app, and lives in the menu bar only', () => {
    expect(config.electronFuses).toEqual({
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      onlyLoadAppFromAsar: true,
      enableEmbeddedAsarIntegrityValidation: true,
      grantFileProtocolExtraPrivileges: false,
    })
    expect(config.mac).toMatchObject({ hardenedRuntime: true, extendInfo: { LSUIElement: true } })
    expect(config.mac.extendInfo).toHaveProperty(
      'NSLocalNetworkUsageDescription',
      expect.stringContaining('other Studios'),
    )
    expect(config.mac.target).toEqual([
      { target: 'dmg', arch: ['arm64'] },
      { target: 'zip', arch: ['arm64'] },
    ])
  })

  it('grants only what V8 and an ad-hoc signature need, wherever packaging is started', () => {
    // A path in the file would be relative, and win over nothing that is laid over it.
    expect(config.mac).not.toHaveProperty('entitlements')
    const { entitlements: path, entitlementsInherit } = entitlementsOf(root)
    expect([isAbsolute(path ?? ''), entitlementsInherit]).toEqual([true, path])
    const entitlements = readFileSync(path ?? '', 'utf8')
    expect([...entitlements.matchAll(/<key>(.*?)<\/key>\s*<true\/>/g)].map((match) => match[1])).toEqual([
      'com.apple.security.cs.allow-jit',
      'com.apple.security.cs.disable-library-validation',
    ])
  })
})

describe('signingOf', () => {
  it('signs ad hoc without a Developer ID, and does not ask Apple', () => {
    expect(signingOf({ CSC_NAME: '' })).toEqual({ identity: '-', notarize: false })
  })

  it('lets electron-builder find the Developer ID, and notarises when the key is there', () => {
    expect(signingOf(developerId)).toEqual({ notarize: false })
    expect(signingOf({ CSC_LINK: 'file.p12', ...notary })).toEqual({ notarize: true })
  })

  it.each([
    [{ ...developerId, ...notary, APPLE_API_ISSUER: '' }, 'without APPLE_API_ISSUER'],
    [notary, 'CSC_LINK or CSC_NAME'],
  ])('refuses %j', (env, reason) => {
    expect(() => signingOf(env)).toThrow(reason)
  })
})
