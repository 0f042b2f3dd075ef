// The memory of each kind of model against a real llama-server's own log: KV caches and recurrent states within 1 %, with models
// in miniature (true rules and keys, few layers, small sizes, zero weights) for every architecture that can be made so.
// Needs NEXUS_TEST_LLAMA_SERVER (the program).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { parseLlamaLogLine } from '../electron/core/engine/llama-log.ts'
import { readGgufHeader } from '../electron/core/gguf/gguf-header.ts'
import type { KvShape } from '../electron/core/gguf/kv-shape.ts'
import { planKvCache } from '../electron/core/memory/kv-cache.ts'
import { requireEnv } from './bare-llama-server.ts'
import { freePorts } from './free-ports.ts'
import { makeMiniature, miniatureNames } from './miniature-models.ts'

const folder = await mkdtemp(join(tmpdir(), 'nexus-miniatures-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What it prints until it listens or ends: allocations come first, and a model of zeros may serve nothing. */
async function readLog(model: string, flags: readonly string[]): Promise<readonly string[]> {
  const program = requireEnv('NEXUS_TEST_LLAMA_SERVER')
  const [port] = await freePorts()
  const quiet = ['--no-warmup', '--cache-ram', '0', '-lv', '4', '--device', 'none', '-fit', 'off']
  const child = spawn(
    program,
    ['-m', model, '--host', '127.0.0.1', '--port', String(port), ...quiet, ...flags],
    {
      env: { ...process.env, LC_ALL: 'C', LD_LIBRARY_PATH: dirname(program) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const exited = once(child, 'exit')
  const lines: string[] = []
  const listening = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        if (/server is listening|all slots are idle/.test(line)) resolve()
      })
  })
  try {
    await Promise.race([listening, exited])
    return lines
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
}

const settings = { contextTokens: 8192, slots: 3, batchTokens: 512, microBatchTokens: 256 } as const
const sizes = ['-c', '8192', '-np', '3', '-b', '512', '-ub', '256']

/** GLM's index keys came with b10156: the plan counts them, and says that older builds keep none. */
function asB10068Has(name: string, kv: KvShape): KvShape {
  if (name !== 'glm-dsa' || kv.kind === 'unknown') return kv
  const indexKeyLength = 64
  return { ...kv, layers: kv.layers.filter(({ keyHeadValues }) => keyHeadValues !== indexKeyLength) }
}

describe.each(miniatureNames)('%s', (name) => {
  it.each([
    ['split, f16', [], { unifiedKv: false, typeK: 'f16', typeV: 'f16' }],
    [
      'pool, q8_0',
      ['-kvu', '-ctk', 'q8_0', '-ctv', 'q8_0'],
      { unifiedKv: true, typeK: 'q8_0', typeV: 'q8_0' },
    ],
  ] as const)('%s', async (_, flags, { unifiedKv, typeK, typeV }) => {
    const path = join(folder, `${name}.gguf`)
    await writeFile(path, makeMiniature(name))
    const { kv } = await readGgufHeader(path)
    const planned = planKvCache(asB10068Has(name, kv), {
      ...settings,
      unifiedKv,
      typeK,
      typeV,
      fullSlidingCache: false,
    })
    if (planned.kind === 'unknown') throw new Error(planned.reason)

    const log = await readLog(path, [...sizes, ...flags])
    const buffers = log.map(parseLlamaLogLine).filter((event) => event?.kind === 'buffer')
    expect(buffers.map(({ holds }) => holds)).toContain('model')
    const logged = (kind: 'KV' | 'RS'): number =>
      buffers.reduce((sum, { holds, bytes }) => sum + (holds === kind ? bytes : 0), 0)
    const off = (actual: number, plannedBytes: number): number =>
      // Each of the two or three lines is rounded to 0.01 MiB.
      Math.max(0, Math.abs(actual - plannedBytes) - 3 * 0.005 * 1024 * 1024) / Math.max(1, plannedBytes)
    expect(off(logged('KV'), planned.bytes - planned.stateBytes), 'KV cache').toBeLessThan(0.01)
    expect(off(logged('RS'), planned.stateBytes), 'states').toBeLessThan(0.01)
    // Of a size that the rounding cannot hide.
    for (const bytes of [planned.bytes - planned.stateBytes, planned.stateBytes])
      expect(bytes === 0 || bytes > 120 * 1024).toBe(true)
  })
})
