// The bundle for macOS as electron-builder lays it out, up to signing: on an Electron that is made of its folders only.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageApp, signingOf } from '../scripts/app-package.ts'
import { readFuses } from './fuse-wire.ts'
import { makeMacElectron } from './made-mac-electron.ts'

const root = join(import.meta.dirname, '..')
const appDir = process.env['NEXUS_TEST_APP']

// On a Mac electron-builder would sign it, which takes real programs. Set-up builds the app.
describe.skipIf(process.platform === 'darwin' || appDir === undefined)('the bundle for macOS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-mac-'))
  const bundle = join(folder, 'mac-arm64', 'Opta Nexus.app')
  const contents = (...path: readonly string[]) => join(bundle, 'Contents', ...path)
  let plist = ''
  const stringOf = (key: string) =>
    new RegExp(`<key>${key}</key>\\s*<string>([^<]*)</string>`).exec(plist)?.[1]

  beforeAll(async () => {
    makeMacElectron(join(folder, 'electron'), '45.4.1')
    await packageApp(root, {
      target: 'mac-dir',
      config: {
        electronDist: join(folder, 'electron'),
        electronVersion: '45.4.1',
        mac: signingOf({}),
        directories: { app: relative(root, appDir ?? root), output: folder },
      },
    })
    plist = readFileSync(contents('Info.plist'), 'utf8')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is a menu-bar app with our name, identity and icon', () => {
    expect(plist).toMatch(/<key>LSUIElement<\/key>\s*<true\/>/)
    expect(stringOf('NSLocalNetworkUsageDescription')).toContain('other Studios')
    expect(stringOf('CFBundleIdentifier')).toBe('ai.opta.nexus')
    expect(stringOf('CFBundleName')).toBe('Opta Nexus')
    const icon = readFileSync(contents('Resources', stringOf('CFBundleIconFile') ?? ''))
    expect(icon.equals(readFileSync(join(root, 'resources', 'icons', 'icon.icns')))).toBe(true)
  })

  it('has its fuses set, and knows the hash of its archive', async () => {
    expect(await readFuses(bundle)).toEqual(['EnableEmbeddedAsarIntegrityValidation', 'OnlyLoadAppFromAsar'])
    expect(plist).toMatch(/<key>ElectronAsarIntegrity<\/key>\s*<dict>\s*<key>Resources\/app\.asar<\/key>/)
  })

  it('brings the Node of a Mac along, which core and command line run on', () => {
    const program = contents('Resources', 'nexus', 'node', 'bin', 'node')
    expect(statSync(program).mode & 0o111).toBe(0o111)
    const head = readFileSync(program).subarray(0, 8)
    // mach-o/loader.h, mach/machine.h: MH_MAGIC_64, CPU_TYPE_ARM64.
    expect([head.readUInt32LE(0), head.readUInt32LE(4)]).toEqual([0xfeedfacf, 0x0100000c])
    const { version } = JSON.parse(
      readFileSync(contents('Resources', 'nexus', 'node', 'package.json'), 'utf8'),
    )
    expect(version).toMatch(/^v?24\./)
    expect(readdirSync(contents('Resources', 'nexus', 'node')).sort()).toEqual([
      'LICENSE',
      'bin',
      'package.json',
    ])
  })

  it('has that Node signed with the rest: it is among what electron-builder signs', async () => {
    const { walkAsync } = createRequire(import.meta.url)(
      join(root, 'node_modules', '@electron', 'osx-sign', 'dist', 'cjs', 'util.js'),
    )
    expect(await walkAsync(contents())).toContain(contents('Resources', 'nexus', 'node', 'bin', 'node'))
  })

  it('brings what a core and the command line need, and nothing that only tests need', () => {
    const shipped = readdirSync(contents('Resources', 'nexus', 'resources'))
    expect(shipped).toEqual(
      expect.arrayContaining([
        'requirements-litellm.txt',
        'requirements-traefik.txt',
        'opta_litellm.py',
        'config.schema.json',
        'templates',
      ]),
    )
    expect(shipped.filter((name) => /test|compat|\.in$|plist$|icons|__pycache__/.test(name))).toEqual([])
    for (const path of ['nexus.mjs', 'package.json', 'bin/nexus', 'bin/setup-clone.sh'])
      expect(existsSync(contents('Resources', 'nexus', path)), path).toBe(true)
  })
})
