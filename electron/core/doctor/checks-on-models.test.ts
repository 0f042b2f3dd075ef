import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readGgufHeader, readHeaderOrReason } from '../gguf/gguf-header.ts'
import { makeGguf } from '../gguf/test-support/made-gguf.ts'
import { judgeModel } from './checks-on-models.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-doctor-models-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const make = (): string => {
  const path = join(dir, 'm.gguf')
  const pairs = [['general.architecture', { type: 'text', value: 'llama' }]] as const
  const tensors = [{ name: 'token_embd.weight', lengths: [32, 4], typeNumber: 0, dataOffset: 0 }]
  writeFileSync(path, makeGguf({ pairs, tensors, dataBytes: 512 }))
  return path
}
const judge = async (path: string, fetch: string | null = null) =>
  judgeModel(await readHeaderOrReason(path), {
    path,
    fetch,
    setting: 'llamaServer.modelPath of /s/config.json',
  })

describe('judgeModel', () => {
  it('passes a complete file', async () => {
    expect(await judge(make())).toMatchObject({ level: 'ok', found: expect.stringContaining('complete') })
  })

  it('fails a truncated file, with the missing bytes', async () => {
    const path = make()
    truncateSync(path, (await readGgufHeader(path)).fileBytes - 100)
    expect(await judge(path)).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('lacks 100 bytes'),
      mend: expect.stringContaining('curl -C -'),
    })
    expect((await judge(path, 'nexus up')).mend).toBe('nexus up')
  })

  it('fails a header without weights', async () => {
    const path = make()
    truncateSync(path, (await readGgufHeader(path)).fileBytes - 512)
    expect((await judge(path)).found).toContain('only a header')
  })

  it('fails a missing file, and a file that is not a model', async () => {
    expect(await judge(join(dir, 'none.gguf'))).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('no such file'),
      mend: expect.stringContaining('/s/config.json'),
    })
    writeFileSync(join(dir, 'page.gguf'), '<!doctype html><title>404</title>')
    expect((await judge(join(dir, 'page.gguf'))).level).toBe('fail')
  })

  it('fails an unreadable file, with the command', () => {
    const reading = { kind: 'failed', reason: '/m.gguf: this user may not read it' } as const
    expect(judgeModel(reading, { path: '/m.gguf', fetch: null, setting: 'x' }).mend).toBe('chmod a+r /m.gguf')
  })
})
