import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCommandRunner, describeFailure, systemPath } from './run-command.ts'
import { hasRecordings, readRecording } from './test-support/recordings.ts'

const runnerOf = async (name: string, script: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'nexus-run-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
  return createCommandRunner(`${folder}:${systemPath}`)
}

describe('createCommandRunner', () => {
  it('gives exit status, stdout and stderr apart, without throwing', async () => {
    const run = await runnerOf('tool', 'echo "$1|$2"; echo bad >&2; exit 16')
    expect(await run(['tool', 'a b', '$HOME'])).toEqual({
      kind: 'exited',
      exitCode: 16,
      stdout: 'a b|$HOME\n',
      stderr: 'bad\n',
    })
  })
  it('runs in the C locale and in UTC, with nothing else of ours', async () => {
    vi.stubEnv('NEXUS_LEAK', 'secret')
    onTestFinished(() => void vi.unstubAllEnvs())
    const run = await runnerOf('tool', 'echo "$LC_ALL,$TZ,$NEXUS_LEAK"')
    expect(await run(['tool'])).toMatchObject({ stdout: 'C,UTC,\n' })
  })
  it('says what is missing', async () => {
    const result = await createCommandRunner()(['nexus-no-such-tool'])
    expect(result).toMatchObject({ kind: 'not-run', reason: expect.stringContaining('nexus-no-such-tool') })
  })
  it('gives up at the deadline', async () => {
    const run = await runnerOf('tool', 'exec sleep 60')
    const result = await run(['tool'], { timeoutMs: 100 })
    expect(result).toEqual({ kind: 'not-run', reason: 'tool did not answer within 100 ms' })
  })
})

describe('createCommandRunner of a command whose child holds its pipes', () => {
  it('gives up on both at the deadline', async () => {
    const run = await runnerOf('tool', 'sleep 60 & wait')
    expect(await run(['tool'], { timeoutMs: 100 })).toMatchObject({ kind: 'not-run' })
  })
  it('ends the child with the command, and does not wait for its deadline', async () => {
    const run = await runnerOf('tool', 'sleep 60 & echo $!; exit 2')
    const result = await run(['tool'], { timeoutMs: 50_000 })
    expect(result).toMatchObject({ kind: 'exited', exitCode: 2, stderr: '' })
  })
  it('leaves the child alive where the command may', async () => {
    const run = await runnerOf('tool', 'sleep 60 & echo $!; exit 2')
    const result = await run(['tool'], { timeoutMs: 500, mayLeaveChildren: true })
    expect(result).toMatchObject({ kind: 'exited', exitCode: 2, stderr: '' })
    if (result.kind === 'exited') process.kill(Number(result.stdout))
  })
})

describe('describeFailure', () => {
  const exited = (stderr: string, stdout = '') => ({ kind: 'exited', exitCode: 3, stdout, stderr }) as const
  it('prefers what stands on stderr, in one line', () => {
    expect(describeFailure(exited('\n a \nb\n', 'c'))).toBe('a; b; c')
  })
  it('falls back to the exit status', () => {
    expect(describeFailure(exited(' \n'))).toBe('exit status 3 without output')
  })
  it('leaves out warnings where there is a reason, and says them where there is none', () => {
    const warning = "hdiutil: WARNING: 'hdiutil attach x' is deprecated\n"
    expect(describeFailure(exited(`${warning.repeat(3)}hdiutil: attach failed - no memory\r\n`))).toBe(
      'hdiutil: attach failed - no memory',
    )
    expect(describeFailure(exited(warning))).toContain('deprecated')
  })
  it.skipIf(!hasRecordings)(
    'says why an attach of macOS 27 failed (skipped where the recordings are absent)',
    () => {
      const stderr = readRecording('hdiutil/attach-deprecation-warning-macos27-stderr.txt')
      expect(describeFailure(exited(stderr))).toBe('hdiutil: attach failed - Resource busy')
    },
  )
})
