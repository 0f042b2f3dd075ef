// Headers that lie, end early or are not headers: one clear sentence each, quickly and in little memory.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readGgufHeader } from './gguf-header.ts'
import { type MadeGguf, type MadeTensor, makeGguf, makePairs, u32, u64 } from './test-support/made-gguf.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nexus-gguf-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function failureOf(bytes: Buffer, name = 'hostile.gguf'): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  try {
    await readGgufHeader(path)
  } catch (error) {
    if (error instanceof Error) return error.message.replace(path, 'FILE')
  }
  return 'no error'
}

const raw = (bytes: Buffer): MadeGguf => ({ pairs: [['key', { type: 'raw', bytes }]] })
const tensor = (changes: Partial<MadeTensor>): MadeGguf => ({
  tensors: [{ name: 't', lengths: [32], typeNumber: 8, dataOffset: 0, ...changes }],
})
const huge = 2n ** 63n

describe('false claims', () => {
  it.each<readonly [string, MadeGguf | Buffer, string]>([
    ['an empty file', Buffer.alloc(0), "FILE: at byte 0: the file is empty; a model starts with 'GGUF'"],
    ['a web page', Buffer.from('<!DOCTYPE html><html><head></head></html>'), 'at byte 0: found "<!DO"'],
    ['version 1', { version: 1 }, 'at byte 4: GGUF version 1; allowed are 2 and 3'],
    ['version 4', { version: 4 }, 'at byte 4: GGUF version 4; allowed are 2 and 3'],
    ['big-endian', { version: 0x03000000 }, 'at byte 4: the version reads 50331648: the file is big-endian'],
    ['huge key count', { claimedPairs: huge }, 'metadata keys; at most 65536 are allowed'],
    [
      'more keys than bytes',
      { claimedPairs: 60_000n },
      'claims 60000 metadata keys; the file ends at byte 24',
    ],
    ['huge tensor count', { claimedTensors: huge }, 'tensors; at most 262144 are allowed'],
    ['more tensors than bytes', { claimedTensors: 1000n }, 'claims 1000 tensors; the file ends at byte 24'],
    ['huge text', raw(Buffer.concat([u32(8), u64(huge)])), "the text 'key' claims 9223372036854776000 bytes"],
    [
      'text beyond the end',
      raw(Buffer.concat([u32(8), u64(1000)])),
      "the file ends at byte 47, in the middle of the text 'key'",
    ],
    ['unknown value type', raw(u32(13)), "at byte 35: 'key' has value type 13; allowed are 0 to 12"],
    [
      'huge array',
      raw(Buffer.concat([u32(9), u32(4), u64(huge)])),
      "in the middle of the 9223372036854776000 values of 'key'",
    ],
    [
      'huge text array',
      raw(Buffer.concat([u32(9), u32(8), u64(huge)])),
      "'key' claims 9223372036854776000 texts",
    ],
    ['nested array', raw(Buffer.concat([u32(9), u32(9), u64(1)])), "'key' is an array of arrays"],
    ['unknown element type', raw(Buffer.concat([u32(9), u32(99), u64(1)])), "'key' has element type 99"],
    [
      'twice the same key',
      {
        pairs: [
          ['k', { type: 'u32', value: 1 }],
          ['k', { type: 'u32', value: 2 }],
        ],
      },
      "the metadata key 'k' occurs twice",
    ],
    [
      'alignment 0',
      { pairs: [['general.alignment', { type: 'u32', value: 0 }]] },
      'general.alignment is 0; a power of two is allowed',
    ],
    [
      'alignment 24',
      { pairs: [['general.alignment', { type: 'u32', value: 24 }]] },
      'general.alignment is 24; a power of two is allowed',
    ],
    ['unknown tensor type', tensor({ typeNumber: 77 }), "tensor 't' has type 77, which is unknown"],
    [
      'removed tensor type',
      tensor({ typeNumber: 31 }),
      "tensor 't' has type Q4_0_4_4, which llama.cpp removed",
    ],
    [
      'five dimensions',
      tensor({ lengths: [32, 1, 1, 1, 1] }),
      "tensor 't' has 5 dimensions; at most 4 are allowed",
    ],
    ['rows that are no blocks', tensor({ lengths: [33] }), 'rows of 33 values; Q8_0 needs a multiple of 32'],
    [
      'a size beyond numbers',
      tensor({ lengths: [2 ** 52, 2 ** 52], typeNumber: 0 }),
      'that is not a real size',
    ],
    [
      'a wrong offset',
      tensor({ dataOffset: 64 }),
      "the data of tensor 't' is declared at 64; after the preceding tensors it must be at 0",
    ],
    [
      'a long name',
      tensor({ name: 'n'.repeat(64) }),
      'the name of tensor 1 of 1 claims 64 bytes; at most 63 are allowed',
    ],
  ])('%s', async (_, made, sentence) => {
    // CPU time: how busy the machine is says nothing about the reader.
    const before = process.cpuUsage()
    expect(await failureOf(Buffer.isBuffer(made) ? made : makeGguf(made))).toContain(sentence)
    expect(process.cpuUsage(before).user).toBeLessThan(500_000)
  })

  it('two tensors of one name', async () => {
    const twin: MadeTensor = { name: 't', lengths: [32], typeNumber: 0, dataOffset: 0 }
    const made = makeGguf({ tensors: [twin, { ...twin, dataOffset: 128 }] })
    expect(await failureOf(made)).toContain("tensor 't' occurs twice")
  })

  it('an endless header stops at 256 MiB, not after 75 GB', async () => {
    const path = join(folder, 'endless.gguf')
    await writeFile(path, makeGguf(raw(Buffer.concat([u32(9), u32(10), u64(5e9)]))))
    await truncate(path, 75e9)
    await expect(readGgufHeader(path)).rejects.toThrow('makes the header larger than 268435456 bytes')
  })
})

describe('truncated anywhere', () => {
  it('every prefix of a header is refused with the file and the byte', async () => {
    const whole = makeGguf({
      pairs: makePairs('llama'),
      tensors: [{ name: 't', lengths: [32], typeNumber: 8, dataOffset: 0 }],
    })
    for (let bytes = 1; bytes < whole.length; bytes += 1) {
      expect(await failureOf(whole.subarray(0, bytes)), `cut at ${bytes}`).toMatch(/^FILE: at byte \d+: /)
    }
  })
})

describe('anything else', () => {
  it('random damage gives a header or a sentence that names the file, never something else', async () => {
    const whole = makeGguf({
      pairs: makePairs('gemma2'),
      tensors: [{ name: 't', lengths: [32], typeNumber: 8, dataOffset: 0 }],
    })
    let seed = 12_345
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed % below
    }
    for (let round = 0; round < 400; round += 1) {
      const damaged = Buffer.from(whole)
      for (let change = 0; change < 3; change += 1) damaged[random(damaged.length)] = random(256)
      expect(await failureOf(damaged), `round ${round}`).toMatch(/^FILE: |^no error$/)
    }
  })

  it('a folder, a pipe, a missing file', async () => {
    await expect(readGgufHeader(folder)).rejects.toThrow(`${folder}: not a file but a folder`)
    const pipe = join(folder, 'pipe.gguf')
    await promisify(execFile)('mkfifo', [pipe])
    await expect(readGgufHeader(pipe)).rejects.toThrow(`${pipe}: not a file but a device or pipe`)
    await expect(readGgufHeader(join(folder, 'none.gguf'))).rejects.toThrow('none.gguf: no such file')
  })
})
