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
  it("searches the folder, its parents and the files of forge enable, each once, but not the developer's own", () => {
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
  it('warns of a project whose build-dir bypasses the enabled RAM disk', () => {
    const path = writeConfig('a', '[build]\nbuild-dir = "out"\n')
    expect(judge('a')).toMatchObject({
      level: 'warn',
      found: `${path} sends builds to ${join(dir, 'a/out')}, not to the RAM disk`,
      mend: expect.stringContaining(`Remove build-dir from ${path}`),
    })
  })

  it('lets a shared checkout build in its own folder', () => {
    writeConfig('a', '[build]\nbuild-dir = "target"\n')
    expect(judge('a').level).toBe('warn')
    chmodSync(join(dir, 'a'), 0o2775)
    expect(judge('a')).toMatchObject({ level: 'ok', found: expect.stringContaining('no inspected project') })
    writeConfig('a', '[build]\nbuild-dir = "/elsewhere"\n')
    expect(judge('a').level).toBe('warn')
  })

  it('warns of a project whose finished programs go to the RAM disk', () => {
    const path = writeConfig('a', '[build]\ntarget-dir = "/Volumes/X/a"\n')
    expect(judge('a')).toMatchObject({ level: 'warn', found: expect.stringContaining(path) })
  })

  it('reports invalid TOML as unknown, and names every odd file', () => {
    const broken = writeConfig('a/b', '[build\n')
    expect(judge('a/b')).toMatchObject({ level: 'unknown', found: expect.stringContaining(broken) })
    const outer = writeConfig('a', '[build]\nbuild-dir = "/elsewhere"\n')
    const both = judge('a/b')
    expect(both.level).toBe('warn')
    expect(both.found).toContain(broken)
    expect(both.found).toContain(outer)
  })

  it('passes a project that sets nothing, points to the RAM disk, or is overridden by a variable', () => {
    writeConfig('a', '[net]\noffline = true\n')
    expect(judge('a')).toMatchObject({ level: 'ok', found: expect.stringContaining('no inspected project') })
    writeConfig('a', 'include = [{ path = "/Volumes/X/.nexus/cargo.toml", optional = true }]\n')
    expect(judge('a').level).toBe('ok')
    writeConfig('a', '[build]\nbuild-dir = "/elsewhere"\n')
    expect(judge('a', { envBuildDir: '/Volumes/X/b/{workspace-path-hash}' }).level).toBe('ok')
  })
})
