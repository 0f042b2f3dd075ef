import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateStateFolder } from '../config/state-folder.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import { createCommandRunner } from '../platform/run-command.ts'
import { type Examination, examine, readConfigState } from './doctor.ts'

// Real checks on this machine, with a separate state folder and ports 18250 and 18251.
let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-doctor-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const profileFile = (change: object = {}): string => {
  const path = join(dir, 'profile.json')
  const llamaServer = { port: 18250, modelPath: join(dir, 'none.gguf'), ...change }
  writeFileSync(path, JSON.stringify({ extends: 'demo', llamaServer, proxy: { port: 18251 } }))
  return path
}

const stateFolder = () =>
  locateStateFolder(
    { NEXUS_HOME: join(dir, 'home'), NEXUS_RUNTIME: join(dir, 'runtime') },
    process.platform,
    dir,
  )

const run = (requestedProfile: string | null): Promise<Examination> => {
  const folder = stateFolder()
  return examine({
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    resourcesDir: join(import.meta.dirname, '..', '..', '..', 'resources'),
    env: {},
    homeDir: dir,
    run: createCommandRunner(),
    requestedProfile,
  })
}
const level = (report: Examination, id: string) => report.checks.find((check) => check.id === id)?.level

describe('examine', () => {
  it('is right about a machine without set-up, and writes nothing', async () => {
    const report = await run(profileFile())
    expect(level(report, 'config.file')).toBe('ok')
    expect(level(report, 'core.owner')).toBe('ok')
    expect(level(report, 'models.target')).toBe('fail')
    expect(level(report, 'router.litellm')).toBe('fail')
    expect(level(report, 'ports.llamaServer')).toBe('ok')
    expect(level(report, 'ports.proxy')).toBe('ok')
    expect(level(report, 'machine.disk')).not.toBe('unknown')
    expect(report.checks.length).toBeGreaterThan(18)
    const { ok, warn, fail, unknown } = report.summary
    expect(ok + warn + fail + unknown).toBe(report.checks.length)
    for (const check of report.checks) {
      expect(check.found, check.id).not.toBe('')
      if (check.level === 'fail') expect(check.mend, check.id).not.toBeNull()
    }
    expect(existsSync(join(dir, 'home'))).toBe(false)
  })

  it('sees another program on the port, a broken config and a folder in the way', async () => {
    const stranger = createServer()
    await new Promise<void>((resolve) => stranger.listen(18251, '127.0.0.1', resolve))
    const { configPath, ramDiskRoot } = stateFolder()
    mkdirSync(join(ramDiskRoot, 'OptaBuilds', 'target'), { recursive: true })
    writeFileSync(configPath, '{"prifile": "demo"}')
    try {
      const report = await run(profileFile())
      expect(level(report, 'ports.proxy')).toBe('fail')
      expect(report.checks.find(({ id }) => id === 'ports.proxy')?.mend).toBe(`kill ${process.pid}`)
      expect(level(report, 'config.file')).toBe('fail')
      if (process.platform === 'linux') expect(level(report, 'forge.mount')).toBe('fail')
      expect(readdirSync(join(dir, 'home')).sort()).toEqual(['config.json', 'volumes'])
    } finally {
      stranger.close()
    }
  })

  it('answers in time even if the configured llama-server hangs', async () => {
    const binaryPath = join(dir, 'llama-server')
    writeFileSync(binaryPath, '#!/bin/sh\nexec sleep 8\n', { mode: 0o755 })
    const startedAt = performance.now()
    const report = await run(profileFile({ binaryPath }))
    expect(performance.now() - startedAt).toBeLessThan(6_000)
    expect(level(report, 'engine.binary')).toBe('unknown')
    expect(level(report, 'reach.llamaServer')).toBe('ok')
  })

  it('refuses a missing profile', async () => {
    await expect(run('nosuch')).rejects.toThrow('nosuch')
  })

  it('falls back to another profile when the configured one is gone', async () => {
    mkdirSync(join(dir, 'home'))
    writeFileSync(stateFolder().configPath, '{"profile": "gone"}')
    const report = await run(null)
    expect(report.profile).toBe('demo')
    expect(report.checks.find(({ id }) => id === 'config.profile')).toMatchObject({
      level: 'fail',
      found: expect.stringMatching(/^nexus up would refuse: .*gone/),
    })
  })
})

describe('readConfigState', () => {
  it('falls back to the last good one', () => {
    const { configPath, lastGoodConfigPath } = stateFolder()
    mkdirSync(join(dir, 'home'))
    writeFileSync(configPath, '{')
    expect(readConfigState({ configPath, lastGoodConfigPath }).state).toMatchObject({
      kind: 'broken',
      hasLastGood: false,
    })
    writeFileSync(lastGoodConfigPath, '{"profile": "studio"}')
    const { config, state } = readConfigState({ configPath, lastGoodConfigPath })
    expect(state).toMatchObject({ kind: 'broken', hasLastGood: true })
    expect(config.profile).toBe('studio')
    writeFileSync(configPath, '{"profile": "demo"}')
    expect(readConfigState({ configPath, lastGoodConfigPath })).toMatchObject({
      config: { profile: 'demo' },
      state: { kind: 'valid' },
    })
  })
})
