// The memory plan against a real llama-server and model: weights and KV within 1 % of its log, resident within 10 %.
// Needs NEXUS_TEST_LLAMA_SERVER (the program) and NEXUS_TEST_SLIDING_WINDOW_MODEL (a GGUF file, used as model and as draft).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import type { MemoryPlan } from '../electron/contract/memory-plan.ts'
import { readGgufHeader } from '../electron/core/gguf/gguf-header.ts'
import { parseAllocations } from '../electron/core/memory/allocations.ts'
import { comparePlan } from '../electron/core/memory/memory-map.ts'
import { planMemory } from '../electron/core/memory/memory-plan.ts'
import type { PlannedServer } from '../electron/core/memory/planned-server.ts'
import { reservesFor } from '../electron/core/memory/reserves.ts'
import { readResidentBytes } from '../scripts/processes.ts'

function requireEnv(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '')
    throw new Error(`${name} is not set: this test needs a real llama-server and model`)
  return value
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

interface Start {
  readonly logLines: readonly string[]
  /** null when it died before it was ready (a build for another CPU): its allocation lines are there all the same. */
  readonly residentBytes: number | null
}

/**
 * Compute buffers and saved windows become resident only as far as contexts fill: so every slot is filled, with numbers of tokens,
 * which need no tokenizer.
 */
async function fillContext(port: number, server: PlannedServer): Promise<void> {
  const promptTokens = Math.floor((server.contextTokens / server.slots) * filledShare)
  const fill = async (id_slot: number) => {
    const response = await fetch(`http://127.0.0.1:${port}/completion`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        prompt: Array.from({ length: promptTokens }, () => 1000),
        n_predict: 2,
        id_slot,
      }),
    })
    if (!response.ok) throw new Error(`/completion answered ${response.status}: ${await response.text()}`)
    await response.text()
  }
  await Promise.all(Array.from({ length: server.slots }, (_, id) => fill(id)))
}

/** Reads both outputs until the server listens or ends; the process is gone when this returns. */
async function startOnce(
  binary: string,
  args: readonly string[],
  port: number,
  server: PlannedServer,
): Promise<Start> {
  const libraries = [dirname(binary), process.env['LD_LIBRARY_PATH']]
    .filter((path) => path !== undefined)
    .join(':')
  const child = spawn(binary, args, {
    env: { ...process.env, LC_ALL: 'C', LD_LIBRARY_PATH: libraries },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const logLines: string[] = []
  try {
    const listening = new Promise<boolean>((resolve) => {
      for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on('line', (line) => {
          logLines.push(line)
          if (/server is listening|all slots are idle/.test(line)) resolve(true)
        })
    })
    const isReady = await Promise.race([listening, exited.then(() => false)])
    if (isReady) await fillContext(port, server)
    return {
      logLines,
      residentBytes: isReady && process.platform === 'linux' ? readResidentBytes(child.pid ?? 0) : null,
    }
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
}

const filledShare = 0.95

const defaults: PlannedServer = {
  contextTokens: 2048,
  slots: 1,
  gpuLayers: 99,
  draftGpuLayers: 99,
  unifiedKv: false,
  cacheTypeK: 'f16',
  cacheTypeV: 'f16',
  draftCacheTypeK: 'f16',
  draftCacheTypeV: 'f16',
  batchTokens: 2048,
  microBatchTokens: 512,
  promptCacheBytes: 0,
  fullSlidingCache: false,
  checkpointsPerSlot: 32,
  checkpointStepTokens: 8192,
  projectorPath: null,
  projectorOnGpu: true,
  unread: [],
}
interface Case extends Partial<PlannedServer> {
  readonly withDraft?: boolean
}
const q4 = { cacheTypeK: 'q4_0', cacheTypeV: 'q4_0' } as const
const q4Draft = { draftCacheTypeK: 'q4_0', draftCacheTypeV: 'q4_0' } as const
const cases: readonly Case[] = [
  {},
  { slots: 4, cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' },
  { slots: 4 },
  { contextTokens: 4096, slots: 4, unifiedKv: true, ...q4 },
  { contextTokens: 4096, unifiedKv: true, microBatchTokens: 256, batchTokens: 256 },
  { slots: 4, withDraft: true, ...q4 },
  { slots: 4, unifiedKv: true, withDraft: true, ...q4, ...q4Draft },
]

function argsOf(server: PlannedServer, model: string, withDraft: boolean, port: number): readonly string[] {
  const draft = ['-md', model, '--spec-type', 'draft-simple']
  const draftTypes = [
    '--spec-draft-type-k',
    server.draftCacheTypeK,
    '--spec-draft-type-v',
    server.draftCacheTypeV,
  ]
  return [
    ...['-m', model, '--host', '127.0.0.1', '--port', String(port), '-lv', '4', '--cache-ram', '0'],
    ...['-c', String(server.contextTokens), '-np', String(server.slots)],
    ...(server.unifiedKv ? ['-kvu'] : []),
    ...['-ctk', server.cacheTypeK, '-ctv', server.cacheTypeV],
    ...['-b', String(server.batchTokens), '-ub', String(server.microBatchTokens)],
    ...(withDraft ? [...draft, ...draftTypes] : []),
  ]
}

/** What is resident after a start: everything but reserves, forge and prompt cache. */
const processBytes = (plan: MemoryPlan): number =>
  plan.lines
    .filter((line) => !['ramDisk', 'promptCache', 'os', 'linker'].includes(line.id))
    .reduce((sum, line) => sum + (line.bytes ?? 0), 0)

describe('memory plan against a real llama-server', () => {
  it.each(cases.map((one) => [JSON.stringify(one), one] as const))(
    '%s',
    async (_, { withDraft = false, ...changes }) => {
      const model = requireEnv('NEXUS_TEST_SLIDING_WINDOW_MODEL')
      const server = { ...defaults, ...changes }
      const header = await readGgufHeader(model)
      const plan = planMemory({
        target: header,
        draft: withDraft ? header : null,
        projectorBytes: null,
        server,
        ramDiskBytes: 0,
        machine: { totalBytes: totalmem(), gpuLimitBytes: null },
        reserves: reservesFor(totalmem()),
        whyNoPool: null,
      })
      const port = await findFreePort()
      const args = argsOf(server, model, withDraft, port)
      const binary = requireEnv('NEXUS_TEST_LLAMA_SERVER')
      const { logLines, residentBytes } = await startOnce(binary, args, port, server)
      const allocations = parseAllocations(logLines)
      if (allocations === null)
        throw new Error(`no allocation lines in the log:\n${logLines.slice(-20).join('\n')}`)

      const differences = comparePlan(plan, allocations)
      const exact = differences.filter(({ id }) =>
        ['weights', 'draftWeights', 'kvTarget', 'kvDraft'].includes(id),
      )
      // A build for another CPU dies in the target's first computation, before the draft is loaded.
      const expected = withDraft && residentBytes !== null ? 4 : 2
      expect(exact.length).toBeGreaterThanOrEqual(expected)
      for (const { label, relative } of exact) expect(Math.abs(relative ?? 1), label).toBeLessThan(0.01)

      if (residentBytes === null) return
      const copiedBytes = allocations.target.copiedBytes + (allocations.draft?.copiedBytes ?? 0)
      const allBytes = processBytes(plan) + copiedBytes
      const offBy = `${((residentBytes / allBytes - 1) * 100).toFixed(1)} %`
      process.stdout.write(`resident ${(residentBytes / 1e6).toFixed(0)} MB: ${offBy} off the plan\n`)
      expect(residentBytes).toBeLessThan(allBytes * 1.1)
      expect(residentBytes).toBeGreaterThan(allBytes * 0.9)
    },
  )
})
