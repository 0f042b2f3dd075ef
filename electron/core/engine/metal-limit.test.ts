// What the GPU may use, from the lines that llama-server prints of its devices.
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createMetalLimitReader, parseMetalLimitBytes } from './metal-limit.ts'

/** Shape of ardanlabs/kronk#10 (M4 Max); other numbers and names as later builds write them. */
const listing = (line: string) =>
  `ggml_metal_device_init: recommendedMaxWorkingSetSize  = 103079.22 MB\nAvailable devices:\n${line}\n  BLAS: Accelerate (0 MiB, 0 MiB free)\n`

it.each([
  ['  Metal: Apple M4 Max (98304 MiB, 98303 MiB free)', 98_304],
  ['  MTL0: Apple M3 Ultra (196608 MiB, 190000 MiB free)', 196_608],
  ['  MTL0: Apple M3 Ultra (odd) (196608 MiB, 0 MiB free)', 196_608],
])('is what the Metal device has: %s', (line, mib) =>
  expect(parseMetalLimitBytes(listing(line))).toBe(mib * 1024 ** 2),
)

it.each([
  '  (none)',
  '  CUDA0: NVIDIA (24000 MiB, 23000 MiB free)',
  '  Metal: Apple M4 (0 MiB, 0 MiB free)',
  '  Metal: Apple M4 (98304 MB, 98303 MB free)',
  '',
])('is not known where no Metal device says it: "%s"', (line) =>
  expect(parseMetalLimitBytes(listing(line))).toBeNull(),
)

it.each([
  ['that did not answer in time', { stdout: '', exitCode: null, signal: 'SIGKILL', timedOut: true }],
  ['that was ended', { stdout: '', exitCode: null, signal: 'SIGTERM', timedOut: false }],
  ['that failed', { stdout: '', exitCode: 1, signal: null, timedOut: false }],
] as const)('asks a program %s again: the first start of Metal takes 5 to 6 s', async (_, first) => {
  const folder = await mkdtemp(join(tmpdir(), 'nexus-metal-'))
  const path = join(folder, 'llama-server')
  writeFileSync(path, 'one')
  let asked = 0
  const read = createMetalLimitReader('darwin', async () => {
    asked += 1
    const stdout = listing('  MTL0: Apple M9 (1000 MiB, 1 MiB free)')
    return asked === 1
      ? { stderr: '', ...first }
      : { stdout, stderr: '', exitCode: 0, signal: null, timedOut: false }
  })
  expect([await read(path), await read(path), await read(path)]).toEqual([null, 1_048_576_000, 1_048_576_000])
  expect(asked).toBe(2)
  await rm(folder, { recursive: true })
})

it('asks once for each program file, and only on a Mac', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nexus-metal-'))
  const path = join(folder, 'llama-server')
  writeFileSync(path, 'one')
  const asked: string[] = []
  const run = async (_path: string, _platform: string, flag: string) => {
    asked.push(flag)
    return {
      stdout: listing('  MTL0: Apple M9 (1000 MiB, 1 MiB free)'),
      stderr: '',
      exitCode: 0,
      signal: null,
      timedOut: false,
    }
  }
  const read = createMetalLimitReader('darwin', run)
  expect([await read(path), await read(path)]).toEqual([1_048_576_000, 1_048_576_000])
  expect(asked).toEqual(['--list-devices'])
  writeFileSync(path, 'another')
  await read(path)
  expect(asked).toHaveLength(2)
  expect(await createMetalLimitReader('linux', run)(path)).toBeNull()
  expect(await createMetalLimitReader('darwin')(join(folder, 'none'))).toBeNull()
  await rm(folder, { recursive: true })
})
