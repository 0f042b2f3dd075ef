// The short form of scripts/storm, with a fixed seed: kills, hostile inputs and load find nothing, and nothing of it stays.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collectResult } from './nexus-command.ts'

const program = join(import.meta.dirname, '..', 'scripts', 'storm')

/** It makes all its folders in there. A short path: unix sockets end at 103 bytes. */
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'storm-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const start = (...words: string[]) =>
  spawn(program, words, { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] })

// It reads /proc.
describe.skipIf(process.platform !== 'linux')('the storm', () => {
  it('finds nothing, says with how much, and leaves nothing', async () => {
    const { code, stdout, stderr } = await collectResult(start('--seed', '12'))
    expect(stdout).toMatch(/^kills: [1-9]\d* kills in .* 0 failed; seed 12, /m)
    expect(stdout).toMatch(/^hostile: [1-9]\d* inputs: .* 0 failed; seed 12, /m)
    expect(stdout).toMatch(/^endurance: [1-9]\d* hostile bodies; .* 0 errors; .* 0 failed; seed 12, /m)
    expect({ code, failed: stdout.match(/.*FAILED[\s\S]*?again: .*/g), stderr }).toMatchObject({
      code: 0,
      failed: null,
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('leaves nothing when it is interrupted either', async () => {
    const storm = start('--only', 'kills', '--seed', '12')
    const ended = collectResult(storm)
    await new Promise<void>((resolve) => {
      const watcher = watch(folder, () => {
        watcher.close()
        resolve()
      })
    })
    storm.kill('SIGTERM')
    const { code, stderr } = await ended
    expect(stderr).toContain('interrupted; nothing of it was left running')
    expect(code).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })
})
