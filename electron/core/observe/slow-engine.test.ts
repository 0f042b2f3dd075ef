// A llama-server that answers late, read by the poller and folded into a snapshot.
import { expect, it } from 'vitest'
import type { Memory, RamDisk } from '../../contract/snapshot.ts'
import { sampleReadings } from '../../contract/test-support/sample-snapshot.ts'
import { probeLlamaServer } from '../engine/llama-service.ts'
import { createLlamaWatch } from '../engine/llama-watch.ts'
import { startStandIn } from '../supervise/test-support/stand-in.ts'
import { createPoller } from './poller.ts'
import { foldSnapshot } from './snapshot.ts'

it('a /slots that takes seconds has one question at a time, delays nothing else, and shows no rate meanwhile', async () => {
  const standIn = await startStandIn()
  const watch = createLlamaWatch(standIn.url, 'sk-engine')
  const memory: Memory = {
    totalBytes: 2,
    usedBytes: 1,
    availableBytes: 1,
    wiredBytes: null,
    compressedBytes: null,
    swapUsedBytes: 0,
    swapOutBytesPerSecond: null,
    pressure: null,
    gpuLimitBytes: null,
    cpuPercent: null,
  }
  const disk: RamDisk = {
    mountPoint: '/mnt',
    mounted: false,
    kind: 'tmpfs',
    totalBytes: null,
    usedBytes: null,
  }
  let memoryReads = 0
  const health: string[] = []
  let published = () => {}
  const poller = createPoller(
    () => ({
      engine: () => ({ pid: standIn.pid, read: watch.read, current: watch.current }),
      healthChecks: () => [
        {
          id: 'llamaServer',
          probe: (signal) => probeLlamaServer(standIn.url, signal),
          report: ({ state }) => health.push(state),
        },
      ],
      nodes: async () => {},
      memory: async () => {
        memoryReads += 1
        return memory
      },
      ramDisk: async () => disk,
      recheckProof: async () => {},
    }),
    () => published(),
  )
  try {
    await standIn.tell({
      slots: [
        {
          id: 0,
          n_ctx: 4096,
          speculative: false,
          is_processing: true,
          id_task: 7,
          n_prompt_tokens: 29,
          n_prompt_tokens_processed: 20,
          n_prompt_tokens_cache: 0,
          next_token: [{ n_decoded: 10 }],
        },
        { id: 1, n_ctx: 4096, speculative: false, is_processing: false },
      ],
      metrics: {
        prompt_tokens_total: 40,
        tokens_predicted_total: 100,
        requests_processing: 1,
        requests_deferred: 2,
      },
    })
    await poller.refresh()
    await standIn.behave('/slots', { behaviour: 'slow', ms: 2_600 })
    poller.setWatched(true)
    const before = { memoryReads, health: health.length }
    await new Promise<void>((resolve) => {
      published = () => {
        if (memoryReads >= before.memoryReads + 3) resolve()
      }
    })
    expect(health.length).toBeGreaterThanOrEqual(before.health + 3)
    expect(health.every((state) => state === 'ready')).toBe(true)
    expect((await standIn.asked('/slots')).mostAtOnce).toBe(1)
    const shown = foldSnapshot(
      { ...sampleReadings, ...poller.latest() },
      // As seen from later than a reading may be old: the server still owes its answer.
      Date.now() + poller.maxAgeMs(),
      poller.maxAgeMs(),
    )
    expect(shown.slots).toMatchObject([{ phase: 'generating', tokensPerSecond: null }, { phase: 'idle' }])
    expect(shown.throughput).toBeNull()
  } finally {
    poller.close()
    await standIn.end()
  }
})
