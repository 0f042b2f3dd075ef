import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runClaude } from './claude-run.ts'

it('does not wait for a process that one of its tools left holding its pipe', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nexus-claude-run-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const programPath = join(dir, 'claude')
  // Stands in for Claude Code: says its prompt back in a shape of its own.
  writeFileSync(programPath, '#!/bin/sh\nsleep 1000 &\ncat\necho end\necho bad >&2\nexit 3\n')
  chmodSync(programPath, 0o755)
  const home = { homeDir: dir, configDir: dir, projectDir: dir }
  const { signal } = new AbortController()
  const run = await runClaude({ programPath, home, prompt: 'hi\n', timeoutMs: 600_000, signal })
  expect(run).toMatchObject({ lines: ['hi', 'end'], exitCode: 3, timedOut: false, complaint: 'bad' })
})
