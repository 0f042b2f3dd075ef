// What the plan keeps free for others, and the Studio's own map to show beside it.

export interface Reserves {
  readonly osBytes: number
  /** For the spikes when cargo links. */
  readonly linkerBytes: number
}

/** The Studio's memory map, in its own numbers. `kvBytes` covers target and draft. */
export interface SeedMap {
  readonly weightsBytes: number
  readonly draftBytes: number
  readonly ramDiskBytes: number
  readonly kvBytes: number
  readonly osBytes: number
  readonly linkerBytes: number
}

const gigabyte = 1e9
export const studioSeedMap: SeedMap = {
  weightsBytes: 78 * gigabyte,
  draftBytes: 3 * gigabyte,
  ramDiskBytes: 64 * gigabyte,
  kvBytes: 40 * gigabyte,
  osBytes: 20 * gigabyte,
  linkerBytes: 51 * gigabyte,
}

const seedMachineGigabytes = 256
const leastOsBytes = 2 * gigabyte

/**
 * The map's reserves on its 256 GB machine; the same shares (20/256 and 51/256) of a smaller one, because a laptop
 * links smaller things, but never under 2 GB for the system, which no desktop runs below. Larger machines keep the
 * map's numbers: neither macOS nor a linker grows with the memory it finds.
 */
export function reservesFor(totalBytes: number): Reserves {
  const share = (seedBytes: number): number =>
    Math.round(Math.min(seedBytes, (totalBytes * seedBytes) / (seedMachineGigabytes * gigabyte)))
  return {
    osBytes: Math.max(leastOsBytes, share(studioSeedMap.osBytes)),
    linkerBytes: share(studioSeedMap.linkerBytes),
  }
}
