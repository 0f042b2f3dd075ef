// A background core that ends before it listens: what is said is of this start.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { spawnBackgroundCore } from './host.ts'
import { createTestContext } from './test-core.ts'

const contextWith = (program: string) => {
  const { context } = createTestContext()
  const entryPath = join(context.folder.root, 'core.mjs')
  writeFileSync(entryPath, program)
  appendFileSync(
    context.folder.logPath('core'),
    '2026-11-01T00:00:00.000Z the disk was full, three weeks ago\n',
  )
  return { ...context, entryPath }
}

it('quotes what this one said', async () => {
  const context = contextWith("console.error('no such profile'); process.exit(1)")
  await expect(spawnBackgroundCore(context)).rejects.toThrow(
    'the core ended at once: no such profile (its log',
  )
})

it('says how one ended that said nothing, and leaves the old lines out of it', async () => {
  const context = contextWith("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)")
  await expect(spawnBackgroundCore(context)).rejects.toThrow(
    'the core ended at once: ended by SIGKILL, and it said nothing (its log',
  )
  expect(readFileSync(context.folder.logPath('core'), 'utf8')).toContain('three weeks ago')
})
