// The check on the RAM disk's real memory use: reserved, used and held are three different numbers.
import type { Memory, RamDisk } from '../../contract/snapshot.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { howToWire } from '../forge/forge-held.ts'
import type { RamDiskBacking, RamDiskSpec } from '../platform/platform.ts'
import { type CheckSource, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface ForgeMemoryFacts {
  readonly backing: RamDiskBacking | null
  readonly disk: RamDisk
  readonly spec: RamDiskSpec
  readonly memory: Pick<Memory, 'swapUsedBytes' | 'swapOutBytesPerSecond'>
}

/** A program may hold slightly less than the used bytes without any swapping. */
const heldShare = 0.9

export const judgeForgeMemory = ({ backing, disk, spec, memory }: ForgeMemoryFacts): Verdict => {
  const used = disk.usedBytes === null ? 'unknown use' : `${formatBytes(disk.usedBytes)} used`
  const said = `${formatBytes(disk.totalBytes ?? spec.sizeBytes)} reserved, ${used}`
  if (backing === null)
    return unknown(`${said}; could not find out what holds its memory, or whether it can be swapped`)
  if (backing.kind === 'kernel') return ok(`${said}; wired by the kernel, so never swapped`)
  const swapping = (memory.swapOutBytesPerSecond ?? 0) > 0
  if (backing.kind === 'pages')
    return swapping
      ? warn(`${said}; the system is swapping out, and tmpfs pages may be among it`, 'sudo swapoff -a')
      : ok(`${said}; freed when files are deleted, swappable only if swap is on`)
  const { pid, residentBytes } = backing
  if (residentBytes === null)
    return unknown(`${said}; held by process ${pid}, unknown how much of it in memory`)
  const held = `${said}, ${formatBytes(residentBytes)} held in memory by process ${pid}`
  if (disk.usedBytes !== null && residentBytes < disk.usedBytes * heldShare)
    return warn(`${held}: the rest is compressed or swapped`, howToWire(spec))
  if (swapping) return warn(`${held}, pageable, and the system is swapping out`, howToWire(spec))
  const freed = disk.usedBytes === null ? 0 : residentBytes - disk.usedBytes
  return ok(
    freed > spec.sizeBytes / 10
      ? `${held}, pageable; ${formatBytes(freed)} of it belongs to deleted files, which only ejecting frees`
      : `${held}, pageable but not paged out`,
  )
}

export const checksOnForgeMemory = (facts: DoctorFacts): readonly CheckSource[] => [
  {
    id: 'forge.memory',
    group: 'Build Forge',
    title: 'Memory held',
    why: 'build artifacts must never be swapped; reserved, used and held memory are three different numbers',
    read: async () => {
      const disk = await facts.ramDisk()
      if (!disk.mounted) return null
      const { spec } = facts
      const [backing, memory] = await Promise.all([facts.ramDiskBacking(), facts.memory()])
      return judgeForgeMemory({ backing, disk, spec, memory })
    },
  },
]
