import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const lock = (): { readonly packages: Readonly<Record<string, LockedPackage>> } =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8'))

describe('package-lock.json', () => {
  // npm 10 installs only what the lock names: without biome's and oxc's programs for macOS in it, scripts/check fails on
  // every Mac (issue 11). npm leaves out what it does not find at the moment of locking, so this is looked at here.
  it('has the packages of every platform', () => {
    const { packages } = lock()
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {})
        .filter(
          (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
        )
        .map((name) => `${name}, of ${path}`),
    )
    expect(missing).toEqual([])
    expect(packages).toHaveProperty(['node_modules/@biomejs/cli-darwin-arm64'])
  })
})
