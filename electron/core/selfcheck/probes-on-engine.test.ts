import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { probesOnEngine } from './probes-on-engine.ts'
import { createTestContext, exited, tryProbe } from './test-support/probes.ts'

// The first start with Metal takes 5 to 6 s (kronk#10).
it('times the first and the second start', async () => {
  const resourcesDir = mkdtempSync(join(tmpdir(), 'nexus-selfcheck-engine-'))
  onTestFinished(() => rmSync(resourcesDir, { recursive: true }))
  mkdirSync(join(resourcesDir, 'bin'))
  const path = join(resourcesDir, 'bin', 'llama-server')
  writeFileSync(path, '#!/bin/sh\necho "Available devices:"\n')
  chmodSync(path, 0o755)
  const probes = probesOnEngine(createTestContext({ platformId: 'linux', resourcesDir }))
  const { verdict, found } = await tryProbe(probes, 'engine.devices', async () => exited(''))
  expect(verdict).toBe('pass')
  expect(found).toMatch(/llama-server \(app\), \d+ ms, then \d+ ms; only Metal reports a limit$/)
})
