// The path guard of the window's own protocol.
import { describe, expect, it } from 'vitest'
import { contentSecurityPolicy, resolveAppFile, windowUrl } from './app-protocol.ts'

const dir = '/app/out/renderer'

describe('an address of the window', () => {
  it('is a file of its folder, served with the policy', () => {
    expect(resolveAppFile(windowUrl, dir)).toMatchObject({
      path: '/app/out/renderer/index.html',
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': contentSecurityPolicy,
      },
    })
    expect(resolveAppFile('nexus://app/window.js?v=1#top', dir)?.path).toBe('/app/out/renderer/window.js')
  })

  it.each([
    'nexus://app/../secret.js',
    'nexus://app/..%2Fsecret.js',
    'nexus://app/%2e%2e/%2e%2e/etc/secret.js',
    'nexus://app/%2e%2e%2f%2e%2e%2fsecret.js',
    'nexus://app/..%5C..%5Csecret.js',
    'nexus://app/../renderer-other/window.js',
    'nexus://app/window.js%00.html',
    'nexus://app/%E0%A4%A.js',
  ])('%s never leaves the folder', (address) => {
    const file = resolveAppFile(address, dir)
    expect(file === null || file.path.startsWith(`${dir}/`)).toBe(true)
    expect(file?.path ?? '').not.toContain('..')
  })

  it.each([
    'nexus://other/index.html',
    'file:///app/out/renderer/index.html',
    'https://app/index.html',
    'nexus://app/',
    'nexus://app/keys/engine.key',
    'nexus://app/config.json',
    'garbage',
  ])('%s is none', (address) => {
    expect(resolveAppFile(address, dir)).toBeNull()
  })
})

it('the policy lets nothing in from elsewhere and nothing out', () => {
  expect(contentSecurityPolicy).toContain("default-src 'none'")
  expect(contentSecurityPolicy).toContain("connect-src 'none'")
  expect(contentSecurityPolicy).not.toMatch(/unsafe|\*|https?:|data:|blob:/)
})
