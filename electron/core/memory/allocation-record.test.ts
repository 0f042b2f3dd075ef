// The record belongs to one process, and a file that is not understood is none.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readAllocations, writeAllocations } from './allocation-record.ts'

const folder = mkdtempSync(join(tmpdir(), 'nexus-allocations-'))
const path = join(folder, 'allocations.json')
afterAll(() => rmSync(folder, { recursive: true }))

const target = { modelBytes: 5, copiedBytes: 0, mappedDevices: 1, kvBytes: 4, computeBytes: 3 }

it('is read back only for the process that it was written for', () => {
  expect(readAllocations(path, '7@boot')).toBeNull()
  writeAllocations(path, '7@boot', { target, draft: null })
  expect(readAllocations(path, '7@boot')).toEqual({ target, draft: null })
  expect(readAllocations(path, '7@later')).toBeNull()
})

it.each(['', '{', '{"llamaServer":"7@boot"}', 'null'])('is none when the file holds %j', (text) => {
  writeFileSync(path, text)
  expect(readAllocations(path, '7@boot')).toBeNull()
})
