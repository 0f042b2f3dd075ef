import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CargoFacts } from './checks-on-cargo.ts'
import { findProjectConfigs, judgeProjects } from './checks-on-cargo-projects.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-doctor-projects-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const writeConfig = (project: string, text: string, name = 'config.toml'): string => {
  mkdirSync(join(dir, project, '.cargo'), { recursive: true })
  const path = join(dir, project, '.cargo', name)
  writeFileSync(path, text)
  return path
}
const own: CargoFacts = {
  settings: { buildDir: null, targetDir: null, includes: ['/Volumes/X/.nexus/cargo.toml'] },
  unclear: null,
  configPath: '/h/.cargo/config.toml',
  envBuildDir: null,
  envTargetDir: null,
  mountPoint: '/Volumes/X',
  diskBytes: 64 * 2 ** 30,
  mounted: true,
  prepared: true,
  cargo: { kind: 'found', version: { major: 1, minor: 95, text: '1.95.0' } },
  up: 'nexus up',
}
const judge = (folder: string, change: Partial<CargoFacts> = {}) =>
  judgeProjects(findProjectConfigs([], [join(dir, folder)], own.configPath), {
    ...own,
    platform: 'linux',
    ...change,
  })

describe('findProjectConfigs', () => {
  it('looks in the folder, all above it, and where forge enable wrote, each file once and never the own one', () => {
    const outer = writeConfig('a', '')
    const inner = writeConfig('a/b', '', 'config')
    const far = writeConfig('elsewhere', '')
    const found = findProjectConfigs(
      [far, outer, join(dir, 'gone', '.cargo', 'config.toml')],
      [join(dir, 'a/b/c'), join(dir, 'a')],
      '/h/.cargo/config.toml',
    ).map(({ path }) => path)
    expect(found.filter((path) => path.startsWith(dir))).toEqual([far, outer, inner])
    expect(findProjectConfigs([], [join(dir, 'a')], outer).map(({ path }) => path)).not.toContain(outer)
  })
})

describe('judgeProjects', () => {
  it('names a project whose build-dir takes builds elsewhere although the developer has enabled the RAM disk', () => {
    const path = writeConfig('a', '[build]\nbuild-dir = "out"\n')
    expect(judge('a')).toMatchObject({
      level: 'warn',
      found: `${path} sends builds to ${join(dir, 'a/out')}, not to the RAM disk`,
      mend: expect.stringContaining(`Take build-dir out of ${path}`),
    })
  })

  it('lets a checkout of several developers build in its own folder', () => {
    writeConfig('a', '[build]\nbuild-dir = "target"\n')
    expect(judge('a').level).toBe('warn')
    chmodSync(join(dir, 'a'), 0o2775)
    expect(judge('a')).toMatchObject({ level: 'ok', found: expect.stringContaining('no project') })
    writeConfig('a', '[build]\nbuild-dir = "/elsewhere"\n')
    expect(judge('a').level).toBe('warn')
  })

  it('names a project whose finished programs go to the RAM disk', () => {
    const path = writeConfig('a', '[build]\ntarget-dir = "/Volumes/X/a"\n')
    expect(judge('a')).toMatchObject({ level: 'warn', found: expect.stringContaining(path) })
  })

  it('does not know what a file means that is not TOML, and names each of several', () => {
    const broken = writeConfig('a/b', '[build\n')
    expect(judge('a/b')).toMatchObject({ level: 'unknown', found: expect.stringContaining(broken) })
    const outer = writeConfig('a', '[build]\nbuild-dir = "/elsewhere"\n')
    const both = judge('a/b')
    expect(both.level).toBe('warn')
    expect(both.found).toContain(broken)
    expect(both.found).toContain(outer)
  })

  it('is content with a project that says nothing of it, points there itself, or is overruled by a variable', () => {
    writeConfig('a', '[net]\noffline = true\n')
    expect(judge('a')).toMatchObject({ level: 'ok', found: expect.stringContaining('no project') })
    writeConfig('a', 'include = [{ path = "/Volumes/X/.nexus/cargo.toml", optional = true }]\n')
    expect(judge('a').level).toBe('ok')
    writeConfig('a', '[build]\nbuild-dir = "/elsewhere"\n')
    expect(judge('a', { envBuildDir: '/Volumes/X/b/{workspace-path-hash}' }).level).toBe('ok')
  })
})
