// What real and made headers say, and whether all bytes of a model are there.
import { copyFile, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readGgufHeader, readProjectorBytes } from './gguf-header.ts'
import { type MadeTensor, type MadeValue, makeGguf, makePairs } from './test-support/made-gguf.ts'

const fixture = (name: string): string => new URL(`./fixtures/${name}.header.gguf`, import.meta.url).pathname
const targetPath = fixture('DeepSeek-R1-Distill-Llama-70B-Q8_0')
const draftPath = fixture('Llama-3.2-3B-Instruct-Q4_K_M')

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nexus-gguf-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

const q8Tensor = (name: string, dataOffset: number): MadeTensor => ({
  name,
  lengths: [64, 2],
  typeNumber: 8,
  dataOffset,
})
/** Two rows of 64 values in Q8_0: 4 blocks of 34 bytes, padded to 160. */
const twoTensors = [q8Tensor('token_embd.weight', 0), q8Tensor('output.weight', 160)]

describe('the Studio models', () => {
  it('reads the 70B header: sizes, layers, heads, tokens', async () => {
    const header = await readGgufHeader(targetPath)
    expect(header).toMatchObject({
      architecture: 'llama',
      quantisation: 'Q8_0',
      layers: 80,
      tensorBytes: 74_967_187_712,
      trainingContextTokens: 131_072,
      embeddingLength: 8192,
      sharedEmbeddingBytes: 0,
      tokenCount: 128_256,
    })
    expect(header.kv.kind === 'known' && header.kv.layers.map((layer) => layer.keyValues)).toEqual(
      Array(80).fill(1024),
    )
  })

  it('reads the 3B header, whose output shares the embedding', async () => {
    const header = await readGgufHeader(draftPath)
    expect(header).toMatchObject({ quantisation: 'Q4_K_M', layers: 28, tensorBytes: 2_011_539_712 })
    expect(header.sharedEmbeddingBytes).toBe(323_205_120)
  })

  it('recognises headers without weights', async () => {
    const { completeness } = await readGgufHeader(targetPath)
    expect(completeness.kind).toBe('header-only')
  })

  it('reads a complete file of 75 GB in well under a second of CPU time', async () => {
    const path = join(folder, 'complete.gguf')
    await copyFile(targetPath, path)
    const { completeness } = await readGgufHeader(path)
    if (completeness.kind === 'complete') throw new Error('the fixture has no weights')
    // A sparse file: the size of the real one without its bytes.
    await truncate(path, 44_072 + completeness.missingBytes)
    const before = process.cpuUsage()
    const header = await readGgufHeader(path)
    expect(header.completeness).toEqual({ kind: 'complete' })
    expect(process.cpuUsage(before).user).toBeLessThan(500_000)
    await truncate(path, 44_072 + completeness.missingBytes - 5_000_000)
    expect((await readGgufHeader(path)).completeness).toEqual({
      kind: 'truncated',
      missingBytes: 5_000_000,
      path,
    })
  })
})

describe('made headers', () => {
  it('counts weights with padding and needs none after the last tensor', async () => {
    const made = { pairs: makePairs('llama'), tensors: twoTensors }
    const path = await write('tensors.gguf', makeGguf({ ...made, dataBytes: 160 + 136 }))
    expect(await readGgufHeader(path)).toMatchObject({ tensorBytes: 320, completeness: { kind: 'complete' } })
    const cut = await write('cut.gguf', makeGguf({ ...made, dataBytes: 160 + 135 }))
    expect((await readGgufHeader(cut)).completeness).toMatchObject({ kind: 'truncated', missingBytes: 1 })
  })

  it('counts the tokens by their list, else by what the file says', async () => {
    const tokensIn = async (pairs: ReturnType<typeof makePairs>) =>
      (await readGgufHeader(await write('tokens.gguf', makeGguf({ pairs })))).tokenCount
    const listed = makePairs('llama', { 'llama.vocab_size': { type: 'u32', value: 9 } })
    const unlisted = listed.filter(([key]) => key !== 'tokenizer.ggml.tokens')
    expect(await tokensIn(listed)).toBe(7)
    expect(await tokensIn(unlisted)).toBe(9)
    expect(await tokensIn(unlisted.filter(([key]) => key !== 'llama.vocab_size'))).toBeNull()
  })

  // A new one for each 256 KiB made four readings at once 20 MB of garbage that V8 does not count.
  it('reads through one block, however long the header', async () => {
    const tokens: MadeValue = {
      type: 'texts',
      value: Array.from({ length: 60_000 }, (_, id) => `token ${id}, ${'x'.repeat(20)}`),
    }
    const pairs = [
      ...makePairs('llama').filter(([key]) => key !== 'tokenizer.ggml.tokens'),
      ['tokenizer.ggml.tokens', tokens] as const,
    ]
    const path = await write('long.gguf', makeGguf({ pairs }))
    expect((await stat(path)).size).toBeGreaterThan(2_000_000)
    const blocks = vi.spyOn(Buffer, 'allocUnsafe')
    onTestFinished(() => blocks.mockRestore())
    expect((await readGgufHeader(path)).tokenCount).toBe(60_000)
    expect(blocks).toHaveBeenCalledTimes(1)
  })

  it('skips the texts of a list', async () => {
    const pairs = [
      ...makePairs('llama'),
      ['general.tags', { type: 'texts', value: ['chat', '', 'x'.repeat(300)] }] as const,
    ]
    const last = [...pairs, ['general.name', { type: 'text', value: 'behind the list' }] as const]
    expect((await readGgufHeader(await write('tags.gguf', makeGguf({ pairs: last })))).name).toBe(
      'behind the list',
    )
  })

  it('reads KV heads layer by layer, with defaults for missing keys', async () => {
    const kvHeads: MadeValue = { type: 'numbers', value: [1, 2, 3, 4] }
    const pairs = makePairs('llama', { 'llama.attention.head_count_kv': kvHeads })
    const { kv } = await readGgufHeader(await write('heads.gguf', makeGguf({ pairs })))
    expect(kv.kind === 'known' && kv.layers.map((layer) => layer.valueValues)).toEqual([64, 128, 192, 256])
  })

  it.each<readonly [string, MadeValue]>([
    ['attention.head_count_kv', { type: 'numbers', value: [1, 2] }],
    ['attention.head_count_kv', { type: 'text', value: '2' }],
    ['attention.key_length', { type: 'text', value: '64' }],
    ['attention.value_length', { type: 'u32', value: 0 }],
  ])('does not use a default for an odd %s', async (key, value) => {
    const pairs = makePairs('llama', { [`llama.${key}`]: value })
    const { kv } = await readGgufHeader(await write('odd.gguf', makeGguf({ pairs })))
    expect(kv.kind).toBe('unknown')
  })

  it.each(['constructor', '__proto__', 'a\u001b[31mb'])(
    'survives an architecture called %j',
    async (architecture) => {
      const made = makePairs(architecture, { 'tokenizer.ggml.model': { type: 'text', value: architecture } })
      const header = await readGgufHeader(await write('named.gguf', makeGguf({ pairs: made })))
      expect(header.kv.kind).toBe('unknown')
      expect(header.architecture).not.toMatch(/\p{Cc}/u)
    },
  )

  it('needs general.architecture', async () => {
    const path = await write('nothing.gguf', makeGguf({}))
    await expect(readGgufHeader(path)).rejects.toThrow(`${path}: the header lacks general.architecture`)
  })
})

describe('sliding windows', () => {
  const slidesOf = async (architecture: string, changes: Readonly<Record<string, MadeValue>>) => {
    const path = await write(`${architecture}.gguf`, makeGguf({ pairs: makePairs(architecture, changes) }))
    const { kv } = await readGgufHeader(path)
    return kv.kind === 'unknown'
      ? kv.reason
      : [kv.windowTokens, kv.layers.map((layer) => (layer.slides ? 's' : 'F')).join('')]
  }
  const window = (architecture: string): Readonly<Record<string, MadeValue>> => ({
    [`${architecture}.attention.sliding_window`]: { type: 'u32', value: 512 },
  })

  it.each([
    ['gemma2', {}, [4096, 'sFsF']],
    ['gemma3', window('gemma3'), [512, 'ssss']],
    ['gemma3', {}, [null, 'FFFF']],
    ['gpt-oss', window('gpt-oss'), [512, 'sFsF']],
    ['llama4', {}, [8192, 'sssF']],
    ['llama4', { 'llama4.attention.sliding_window': { type: 'u32', value: 0 } }, [null, 'FFFF']],
    ['laguna', window('laguna'), [512, 'Fsss']],
    ['cohere2', window('cohere2'), [512, 'sssF']],
    ['phi3', window('phi3'), [null, 'FFFF']],
    ['exaone4', window('exaone4'), [null, 'FFFF']],
  ] as const)('%s with %j gives %j', async (architecture, changes, expected) => {
    expect(await slidesOf(architecture, changes)).toEqual(expected)
  })

  it('reads a pattern listed layer by layer, with its own head sizes and shared caches', async () => {
    const pairs = makePairs('gemma4', {
      ...window('gemma4'),
      'gemma4.attention.sliding_window_pattern': { type: 'bools', value: [true, false, true, false] },
      'gemma4.attention.key_length': { type: 'u32', value: 128 },
      'gemma4.attention.value_length': { type: 'u32', value: 128 },
      'gemma4.attention.key_length_swa': { type: 'u32', value: 32 },
      'gemma4.attention.shared_kv_layers': { type: 'u32', value: 2 },
    })
    const { kv } = await readGgufHeader(await write('listed.gguf', makeGguf({ pairs })))
    expect(
      kv.kind === 'known' && kv.layers.map((layer) => [layer.slides, layer.keyValues, layer.valueValues]),
    ).toEqual([
      [true, 64, 256],
      [false, 256, 256],
    ])
  })

  it.each([
    ['somethingnew', "the memory of architecture 'somethingnew' is not counted here"],
    ['gpt-oss', 'the file lacks gpt-oss.attention.sliding_window'],
  ])('does not guess for %s', async (architecture, reason) => {
    expect(await slidesOf(architecture, {})).toContain(reason)
  })

  it('does not guess for absurd layer counts', async () => {
    expect(await slidesOf('llama', { 'llama.block_count': { type: 'u32', value: 4_000_000_000 } })).toContain(
      '4000000000',
    )
  })
})

describe('models in parts', () => {
  const partPairs = (no: number, count: number): readonly (readonly [string, MadeValue])[] => [
    ...(no === 0 ? makePairs('llama') : []),
    ['split.no', { type: 'u16', value: no }],
    ['split.count', { type: 'u16', value: count }],
    ['split.tensors.count', { type: 'u32', value: 2 }],
  ]
  const partOf = (name: string, part: number) => `${name}-0000${part}-of-00002.gguf`
  const writePart = (name: string, part: number, tensor: string, no = part - 1) =>
    write(
      partOf(name, part),
      makeGguf({ pairs: partPairs(no, 2), tensors: [q8Tensor(tensor, 0)], dataBytes: 136 }),
    )

  it('sums all parts', async () => {
    const path = await writePart('both', 1, 'token_embd.weight')
    const second = await writePart('both', 2, 'output.weight')
    const header = await readGgufHeader(path)
    expect(header).toMatchObject({
      partPaths: [path, second],
      tensorBytes: 320,
      sharedEmbeddingBytes: 0,
    })
    expect(header.completeness).toEqual({ kind: 'complete' })
    await truncate(second, (await stat(second)).size - 1)
    expect((await readGgufHeader(path)).completeness).toMatchObject({ kind: 'truncated', path: second })
  })

  it('names the part that is missing, wrong, or not the first', async () => {
    const path = await writePart('lone', 1, 'a')
    const missing = join(folder, partOf('lone', 2))
    await expect(readGgufHeader(path)).rejects.toThrow(`part 2 of 2 cannot be used: ${missing}: no such file`)
    await expect(readGgufHeader(missing)).rejects.toThrow(`llama.cpp wants the first, ${path}`)
    await writePart('lone', 2, 'b', 0)
    await expect(readGgufHeader(path)).rejects.toThrow(`${missing}: its header says split.no 0`)
  })

  it.each([
    ['clip', undefined, 'an mmproj'],
    ['gemma3', 'mmproj', 'an mmproj'],
    ['llama', 'adapter', 'a LoRA adapter'],
    ['llama', 'vocab', 'a vocabulary without weights'],
  ])('refuses files that are not models: architecture %s, type %s', async (architecture, type, words) => {
    const pairs = makePairs(
      architecture,
      type === undefined ? {} : { 'general.type': { type: 'text', value: type } },
    )
    const path = await write('other.gguf', makeGguf({ pairs, tensors: [] }))
    await expect(readGgufHeader(path)).rejects.toThrow(words)
  })

  it('counts the weights of a projector, and refuses anything else', async () => {
    const pairs = makePairs('clip', { 'general.type': { type: 'text', value: 'mmproj' } })
    const tensors = [q8Tensor('v.patch_embd.weight', 0)]
    const path = await write('mmproj.gguf', makeGguf({ pairs, tensors, dataBytes: 136 }))
    expect(await readProjectorBytes(path)).toBe(160)
    const model = await write('model.gguf', makeGguf({ pairs: makePairs('llama'), tensors: [] }))
    await expect(readProjectorBytes(model)).rejects.toThrow(`${model}: expected an mmproj`)
  })

  it('compares the number of tensors with what the first part claims', async () => {
    const path = await writePart('few', 1, 'a')
    await write(partOf('few', 2), makeGguf({ pairs: partPairs(1, 2) }))
    await expect(readGgufHeader(path)).rejects.toThrow(
      'split.tensors.count says 2 tensors; its 2 parts hold 1',
    )
  })

  it('refuses a part whose name hides the others', async () => {
    const path = await write('renamed.gguf', makeGguf({ pairs: partPairs(0, 2), tensors: [] }))
    await expect(readGgufHeader(path)).rejects.toThrow('must end in -00001-of-00002.gguf')
  })
})
