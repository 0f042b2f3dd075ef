import { writeFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createCapabilityProbe,
  createMetalLimitReader,
  llamaServerEnvironment,
  parseLlamaVersion,
  parseMetalLimitBytes,
  readLlamaCapabilities,
} from './llama-capabilities.ts'
import { parseLlamaHelp } from './llama-help.ts'

const helpFile = fileURLToPath(new URL('../../../resources/llama-help/b10434.txt', import.meta.url))

describe('readLlamaCapabilities', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nexus-llama-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const writeProgram = async (script: string, mode = 0o755) => {
    const path = join(folder, 'llama-server')
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, mode)
    return path
  }

  it('reads help from stdout and the version from stderr, with its own environment', async () => {
    const path = await writeProgram(
      `case $1 in --help) [ "$LD_LIBRARY_PATH" = '${folder}' ] && [ -z "$NEXUS_LEAK" ] && cat '${helpFile}';;
      --version) echo 'version: 0.1.0-dev (build 1, commit 7e4c0a9)' >&2;; esac`,
    )
    process.env['NEXUS_LEAK'] = 'yes'
    const reading = await readLlamaCapabilities(path, 'linux')
    delete process.env['NEXUS_LEAK']
    if (reading.kind !== 'capabilities') throw new Error(reading.reason)
    expect(reading.capabilities.version).toBe('0.1.0-dev (build 1, commit 7e4c0a9)')
    expect(reading.capabilities.supports('--spec-type')).toBe(true)
  })

  it.each([
    ['another program', 'echo hello', /a different program/],
    ['a failing one', 'echo "no such thing" >&2; exit 3', /exited with status 3: no such thing/],
    [
      'a missing library',
      'echo "x: error while loading shared libraries: libvulkan.so.1: cannot open" >&2; exit 127',
      /libvulkan\.so\.1/,
    ],
    ['a crash', 'kill -ILL $$', /killed by SIGILL/],
  ])('says what is wrong with %s', async (_what, script, reason) => {
    const reading = await readLlamaCapabilities(await writeProgram(script), 'linux')
    expect(reading).toMatchObject({ kind: 'failed', reason: expect.stringMatching(reason) })
  })

  it('says what is wrong with the file', async () => {
    const reasonOf = async (path: string) => {
      const reading = await readLlamaCapabilities(path, 'linux')
      return reading.kind === 'failed' ? reading.reason : ''
    }
    expect(await reasonOf(join(folder, 'nothing'))).toMatch(/was not found at/)
    expect(await reasonOf(folder)).toMatch(/is not a file/)
    expect(await reasonOf(await writeProgram('', 0o644))).toMatch(/chmod \+x/)
    await writeFile(join(folder, 'noise'), '#!/nothing/here\n')
    await chmod(join(folder, 'noise'), 0o755)
    expect(await reasonOf(join(folder, 'noise'))).toMatch(/could not be started/)
  })

  it('asks once per file, and again after a failure', async () => {
    const capabilities = parseLlamaHelp(await readFile(helpFile, 'utf8'))
    if (capabilities === null) throw new Error('not read as help')
    let asked = 0
    const probe = createCapabilityProbe('linux', async () => {
      asked += 1
      return asked === 3 ? { kind: 'failed', reason: 'made up' } : { kind: 'capabilities', capabilities }
    })
    const path = await writeProgram('true')
    await probe(path)
    await probe(path)
    expect(asked).toBe(1)
    await utimes(path, 1000, 1000)
    await probe(path)
    expect(asked).toBe(2)
    await utimes(path, 2000, 2000)
    await probe(path)
    await probe(path)
    expect(asked).toBe(4)
  })
})

it('keeps libraries beside the program findable on Linux only', () => {
  expect(llamaServerEnvironment('/opt/x/bin/llama-server', 'linux')).toMatchObject({
    LD_LIBRARY_PATH: '/opt/x/bin',
    LANG: 'C',
  })
  expect(llamaServerEnvironment('/opt/x/bin/llama-server', 'darwin')).not.toHaveProperty('LD_LIBRARY_PATH')
})

it('reads both recorded version lines and nothing else', () => {
  expect(parseLlamaVersion('version: 1 (571d0d5)\nbuilt with GNU 11.4.0')).toBe('1 (571d0d5)')
  expect(parseLlamaVersion('ggml: noise\nversion: 0.1.0-dev (build 1, commit 7e4c0a9)')).toMatch(/7e4c0a9/)
  expect(parseLlamaVersion('')).toBeNull()
})

describe('the limit of Metal', () => {
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
    expect([await read(path), await read(path), await read(path)]).toEqual([
      null,
      1_048_576_000,
      1_048_576_000,
    ])
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
})
