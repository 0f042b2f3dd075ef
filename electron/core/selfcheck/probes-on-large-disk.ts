// With --large: whether a RAM disk is wired memory, which limits the model's size. Takes minutes.

import { randomFillSync } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Memory } from '../../contract/snapshot.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, inGroup, judged, notApplicable, type Probe } from './probe.ts'
import { createDiskSpec, mountForProbe } from './probes-on-forge.ts'

const probe = inGroup('Build Forge', 6 * 60_000)
const chunkBytes = 16 * 2 ** 20
const gibibyte = 2 ** 30
/** The compressor and the page cache need a moment to settle. */
const usualSettleMs = 2_000

export const probesOnLargeDisk = (context: SelfcheckContext, settleMs = usualSettleMs): readonly Probe[] => {
  const { largeBytes } = context
  if (largeBytes === null) return []
  const run: Probe['run'] = async (tools) => {
    const platform = context.createPlatform(tools.run)
    const readMemory = platform.createMemoryReader()
    const before = await readMemory()
    // Leave room for other programs: this must not make the machine swap.
    if (before.availableBytes < 1.5 * largeBytes)
      return notApplicable(
        `needs ${sayGiB(1.5 * largeBytes)}, only ${sayGiB(before.availableBytes)} available`,
      )
    const spec = createDiskSpec(platform, '-large', Math.ceil(1.1 * largeBytes))
    const mounted = await mountForProbe(platform, spec, tools.defer)
    if (mounted.verdict !== 'pass') return mounted
    const path = join(spec.mountPoint, 'large')
    await fill(path, largeBytes, tools.signal)
    const look = async () => {
      await pause(settleMs, undefined, { signal: tools.signal })
      return readMemory()
    }
    const written = await look()
    await rm(path)
    const removed = await look()
    const ejected = await platform.ramDisk.eject(spec, { force: false })
    if (ejected.kind !== 'done') return fail(JSON.stringify(ejected))
    const after = await look()
    const said = [
      sayChange('written', before, written),
      sayChange('removed', before, removed),
      sayChange('ejected', before, after),
    ].join('; ')
    const wired = (written.wiredBytes ?? 0) - (before.wiredBytes ?? 0)
    if (wired > largeBytes / 2) return fail(`${said}: a RAM disk is wired memory`)
    // Relative to the use after writing, because other programs allocate and free memory meanwhile.
    const grownBytes = written.usedBytes - before.usedBytes
    const givenBackBytes = written.usedBytes - after.usedBytes
    const isKept = grownBytes > largeBytes / 2 && givenBackBytes < grownBytes / 2
    return judged(!isKept, said, ': ejecting did not give it back')
  }
  const assumed = 'data on a RAM disk uses memory but does not wire it, and ejecting frees it'
  return [probe('forge.large', assumed, run, { isUntimed: true })]
}

/** Random, because macOS compresses zeros to nothing. */
const fill = async (path: string, bytes: number, signal: AbortSignal): Promise<void> => {
  const chunk = randomFillSync(Buffer.alloc(Math.min(chunkBytes, bytes)))
  const file = await open(path, 'w')
  try {
    for (let written = 0; written < bytes; written += chunk.length) {
      signal.throwIfAborted()
      await file.write(chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

const sayGiB = (bytes: number): string => `${(bytes / gibibyte).toFixed(1)} GiB`

const sayChange = (when: string, before: Memory, after: Memory): string => {
  const change = (from: number | null, to: number | null) =>
    from === null || to === null ? 'unknown' : `${to < from ? '' : '+'}${sayGiB(to - from)}`
  return `${when}: used ${change(before.usedBytes, after.usedBytes)}, wired ${change(before.wiredBytes, after.wiredBytes)}, compressed ${change(before.compressedBytes, after.compressedBytes)}`
}
