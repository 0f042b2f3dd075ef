import { chmod, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createCapabilityProbe,
  llamaServerEnvironment,
  parseLlamaVersion,
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
