// What the plan reserves for the system and the linker, and the Studio's own map for comparison.
import { gibibyte } from '../base/format-bytes.ts'

export type Reserves = Readonly<ReturnType<typeof reservesFor>>

/**
 * The Studio's memory map, in its own numbers. It adds up to its machine's 256, which are GiB (hw.memsize 274877906944).
 * `kvBytes` covers target and draft.
 */
export const studioSeedMap = {
  weightsBytes: 78 * gibibyte,
  draftBytes: 3 * gibibyte,
  ramDiskBytes: 64 * gibibyte,
  kvBytes: 40 * gibibyte,
  osBytes: 20 * gibibyte,
  linkerBytes: 51 * gibibyte,
}
export type SeedMap = Readonly<typeof studioSeedMap>

const seedMachineBytes = 256 * gibibyte
const leastOsBytes = 2 * gibibyte

/**
 * The map's reserves on its 256 GiB machine; the same shares (20/256 and 51/256) of a smaller one, because a laptop
 * links smaller programs, but at least 2 GiB for the system, the minimum for a desktop. Larger machines keep the
 * map's numbers: neither macOS nor a linker grows with available memory.
 */
export function reservesFor(totalBytes: number) {
  const share = (seedBytes: number): number =>
    Math.round(Math.min(seedBytes, (totalBytes * seedBytes) / seedMachineBytes))
  return {
    osBytes: Math.max(leastOsBytes, share(studioSeedMap.osBytes)),
    /** For memory spikes when cargo links. */
    linkerBytes: share(studioSeedMap.linkerBytes),
  }
}
