// A background core that ends before it listens: what is said is of this start.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ensureStateFolder, locateStateFolder } from '../../config/state-folder.ts'
import type { CoreProgram } from './core-program.ts'
import { startDetachedCore } from './start-core-process.ts'

const programOf = (text: string): CoreProgram => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-start-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const folder = locateStateFolder({ NEXUS_HOME: root, NEXUS_SHARED: '' }, 'linux', root)
  ensureStateFolder(folder)
  const entryPath = join(root, 'core.mjs')
  writeFileSync(entryPath, text)
  appendFileSync(folder.logPath('core'), '2026-11-01T00:00:00.000Z the disk was full, three weeks ago\n')
  return { nodePath: process.execPath, nodeArgs: [], entryPath, env: {}, folder }
}

it('quotes what this one said', async () => {
  const program = programOf("console.error('no such profile'); process.exit(1)")
  await expect(startDetachedCore(program)).rejects.toThrow('the core ended at once: no such profile (its log')
})

it('says how one ended that said nothing, and leaves the old lines out of it', async () => {
  const program = programOf("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)")
  await expect(startDetachedCore(program)).rejects.toThrow(
    'the core ended at once: ended by SIGKILL, and it said nothing (its log',
  )
  expect(readFileSync(program.folder.logPath('core'), 'utf8')).toContain('three weeks ago')
})
