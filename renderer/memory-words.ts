// The memory map as segments of one bar, with labels. Pure.
import type { Memory, MemoryMap, MemoryPart, Snapshot } from '../electron/contract/snapshot.ts'
import { formatBytes, formatShare } from '../electron/wording/figures.ts'
import { describeSwap, readSwapping } from '../electron/wording/swapping.ts'

export interface Segment {
  /** Determines the colour. */
  readonly id: MemoryPart['id'] | 'forge-reserve' | 'used'
  /** 0 to 1 of the machine's memory. */
  readonly share: number
}

export interface LegendEntry {
  readonly id: MemoryPart['id'] | 'used'
  readonly label: string
  readonly value: string
  readonly planned: boolean
}

export const partNames: Readonly<Record<MemoryPart['id'], string>> = {
  engine: 'Engine',
  draft: 'Draft',
  kv: 'KV cache',
  compute: 'Compute',
  forge: 'Forge',
  system: 'System',
  linker: 'Linker',
  free: 'Free',
}

const splitForge = (part: MemoryPart, totalBytes: number): readonly Segment[] => {
  if (part.id !== 'forge' || part.usedBytes === null) return [{ id: part.id, share: part.bytes / totalBytes }]
  const used = Math.min(part.usedBytes, part.bytes)
  return [
    { id: 'forge', share: used / totalBytes },
    { id: 'forge-reserve', share: (part.bytes - used) / totalBytes },
  ]
}

const unitOf = (text: string): string => text.slice(text.lastIndexOf(' ') + 1)

/** If all parts have the same unit, only the total above the bar names it. */
const dropSharedUnit = (entries: readonly LegendEntry[], total: string): readonly LegendEntry[] =>
  entries.every(({ value }) => unitOf(value) === unitOf(total))
    ? entries.map((entry) => ({ ...entry, value: entry.value.slice(0, entry.value.lastIndexOf(' ')) }))
    : entries

const describeParts = ({ parts }: MemoryMap, totalBytes: number) => {
  const shown = parts.filter((part) => part.bytes > 0)
  return {
    segments: shown.flatMap((part) => splitForge(part, totalBytes)).filter(({ share }) => share > 0),
    legend: dropSharedUnit(
      shown.map((part) => ({
        id: part.id,
        label: partNames[part.id],
        value: part.usedBytes === null ? formatBytes(part.bytes) : formatShare(part.usedBytes, part.bytes),
        planned: part.source === 'planned',
      })),
      formatBytes(totalBytes),
    ),
  }
}

/** Without a map, the system's own numbers: used and available. */
const describeUse = (memory: Memory) => ({
  segments: [
    { id: 'used', share: memory.usedBytes / memory.totalBytes },
    { id: 'free', share: memory.availableBytes / memory.totalBytes },
  ] as const,
  legend: [
    { id: 'used', label: 'Used', value: formatBytes(memory.usedBytes), planned: false },
    { id: 'free', label: 'Available', value: formatBytes(memory.availableBytes), planned: false },
  ] as const,
})

/** null without a map and a reading. */
export const describeMemory = ({ memory, memoryMap }: Pick<Snapshot, 'memory' | 'memoryMap'>) => {
  const mapBytes = memoryMap?.parts.reduce((sum, part) => sum + part.bytes, 0) ?? 0
  const totalBytes = memory?.totalBytes ?? mapBytes
  if (totalBytes === 0) return null
  // A plan that does not fit exceeds the machine: the bar then shows the whole plan.
  const scaleBytes = Math.max(totalBytes, mapBytes)
  const parts =
    memoryMap !== null && mapBytes > 0
      ? describeParts(memoryMap, scaleBytes)
      : memory === null
        ? null
        : describeUse(memory)
  if (parts === null) return null
  const share = (bytes: number | null | undefined) => (bytes == null ? null : Math.min(1, bytes / scaleBytes))
  const total = formatBytes(totalBytes)
  return {
    total,
    ...parts,
    /** 0 to 1 of the machine's memory; null: not known. */
    wiredShare: share(memory?.wiredBytes),
    limitShare: share(memory?.gpuLimitBytes),
    spoken: `Memory, ${total}: ${parts.legend.map(({ label, value, planned }) => `${label} ${value}${planned ? ' planned' : ''}`).join(', ')}`,
  }
}

/** Pressure and swap, the first signs of trouble. */
export const describeStrain = (memory: Memory) => {
  const level = memory.pressure ?? 'unknown'
  const pressure = memory.pressure === null ? [] : [`pressure ${memory.pressure}`]
  const isStrained = readSwapping(memory) !== null && level !== 'critical'
  return { level: isStrained ? 'warn' : level, words: [...pressure, describeSwap(memory)] }
}

export const describeVerdict = ({ verdict, spareBytes }: MemoryMap): string => {
  switch (verdict) {
    case 'fits':
      return `${formatBytes(Math.max(0, spareBytes))} spare`
    case 'fits-without-linker-reserve':
      return 'no room for the linker'
    case 'does-not-fit':
      return `${formatBytes(Math.max(0, -spareBytes))} too much`
  }
}
