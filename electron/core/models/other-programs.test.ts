// Their layouts, in a made-up home; sources stand in other-programs.ts.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findCopies, listOtherModels } from './other-programs.ts'

let homeDir: string
beforeEach(() => {
  homeDir = mkdtempSync(join(tmpdir(), 'nexus-others-'))
})
afterEach(() => rmSync(homeDir, { recursive: true, force: true }))

const put = (path: string, text: string): string => {
  const whole = join(homeDir, path)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, text)
  return whole
}

const sha256 = 'ab'.repeat(32)
const snapshot = '.cache/huggingface/hub/models--unsloth--Tiny-GGUF/snapshots/0123/Q8_0/Tiny-Q8_0.gguf'

const fill = () => {
  put('.cache/llama.cpp/unsloth_Tiny-GGUF_Tiny-Q8_0.gguf', '12345')
  put('.cache/llama.cpp/unsloth_Tiny-GGUF_Tiny-Q8_0.gguf.json', '{}')
  put('.lmstudio/models/unsloth/Tiny-GGUF/Tiny-Q8_0.gguf', '123456')
  put('.lmstudio/models/unsloth/Tiny-GGUF/Other-Q8_0.gguf', '12345')
  put(`.ollama/models/blobs/sha256-${sha256}`, '12345')
  const manifest = {
    schemaVersion: 2,
    layers: [
      { mediaType: 'application/vnd.ollama.image.license', digest: `sha256:${'cd'.repeat(32)}`, size: 1 },
      { mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${sha256}`, size: 5 },
    ],
  }
  put('.ollama/models/manifests/registry.ollama.ai/library/tiny/8b', JSON.stringify(manifest))
  put(
    '.ollama/models/manifests/hf.co/unsloth/Tiny-GGUF/Q8_0',
    '{ "layers": [{ "mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../x" }] }',
  )
  const blob = put(`.cache/huggingface/hub/models--unsloth--Tiny-GGUF/blobs/${sha256}`, '12345')
  mkdirSync(dirname(join(homeDir, snapshot)), { recursive: true })
  symlinkSync(blob, join(homeDir, snapshot))
  symlinkSync('gone', join(homeDir, dirname(snapshot), 'Gone-Q8_0.gguf'))
}

it("lists each program's models by its own names", async () => {
  fill()
  const others = await listOtherModels({ env: {}, platform: 'linux', homeDir })
  expect(others.map(({ program, name, bytes }) => [program, name, bytes])).toEqual([
    ['llama.cpp', 'unsloth_Tiny-GGUF_Tiny-Q8_0.gguf', 5],
    ['LM Studio', 'unsloth/Tiny-GGUF/Other-Q8_0.gguf', 5],
    ['LM Studio', 'unsloth/Tiny-GGUF/Tiny-Q8_0.gguf', 6],
    ['Hugging Face', 'unsloth/Tiny-GGUF:Q8_0/Tiny-Q8_0.gguf', 5],
    ['Ollama', 'tiny:8b', 5],
  ])
})

it('finds files with the published length, and the name or the hash', async () => {
  fill()
  const file = { path: 'Q8_0/Tiny-Q8_0.gguf', bytes: 5, sha256 }
  expect(await findCopies(file, { env: {}, platform: 'linux', homeDir })).toEqual([
    join(homeDir, '.cache/llama.cpp/unsloth_Tiny-GGUF_Tiny-Q8_0.gguf'),
    join(homeDir, snapshot),
    join(homeDir, `.ollama/models/blobs/sha256-${sha256}`),
  ])
})

it('looks where their variables point, and in a Mac’s caches', async () => {
  put('llama/a.gguf', '1')
  put('hf/hub/models--a--b/snapshots/1/b.gguf', '1')
  put('Library/Caches/llama.cpp/c.gguf', '1')
  const env = { LLAMA_CACHE: join(homeDir, 'llama'), HF_HOME: join(homeDir, 'hf') }
  const names = async (variables: Readonly<Record<string, string>>) =>
    (await listOtherModels({ env: variables, platform: 'darwin', homeDir })).map(({ name }) => name)
  expect(await names(env)).toEqual(['a.gguf', 'a/b:b.gguf'])
  expect(await names({})).toEqual(['c.gguf'])
})
