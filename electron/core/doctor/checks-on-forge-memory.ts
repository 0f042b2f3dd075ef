// The check on what the RAM disk really holds of memory: reserved, used and held are three numbers.
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

/** What a program holds may be a little less than what is used without anything being swapped. */
const heldShare = 0.9

export const judgeForgeMemory = ({ backing, disk, spec, memory }: ForgeMemoryFacts): Verdict => {
  const used = disk.usedBytes === null ? 'use not known' : `${formatBytes(disk.usedBytes)} used`
  const said = `${formatBytes(disk.totalBytes ?? spec.sizeBytes)} reserved, ${used}`
  if (backing === null)
    return unknown(`${said}; who holds its memory is not told, so neither is whether it can be swapped`)
  if (backing.kind === 'kernel') return ok(`${said}; held wired by the kernel, so never swapped`)
  const swapping = (memory.swapOutBytesPerSecond ?? 0) > 0
  if (backing.kind === 'pages')
    return swapping
      ? warn(`${said}; the system is swapping out, and tmpfs pages may be among it`, 'sudo swapoff -a')
      : ok(`${said}; given back when files go, swappable only if swap is on`)
  const { pid, residentBytes } = backing
  if (residentBytes === null)
    return unknown(`${said}; held by process ${pid}, how much of it in memory is not told`)
  const held = `${said}, ${formatBytes(residentBytes)} held in memory by process ${pid}`
  if (disk.usedBytes !== null && residentBytes < disk.usedBytes * heldShare)
    return warn(`${held}: the rest is compressed or swapped`, howToWire(spec))
  if (swapping) return warn(`${held}, pageable, and the system is swapping out`, howToWire(spec))
  const freed = disk.usedBytes === null ? 0 : residentBytes - disk.usedBytes
  return ok(
    freed > spec.sizeBytes / 10
      ? `${held}, pageable; ${formatBytes(freed)} of it for files that are deleted, which only an eject gives back`
      : `${held}, pageable but not paged out`,
  )
}

export const checksOnForgeMemory = (facts: DoctorFacts): readonly CheckSource[] => [
  {
    id: 'forge.memory',
    group: 'Build Forge',
    title: 'Memory held',
    why: 'build artifacts must never be swapped, and what is reserved, used and held are three numbers',
    read: async () => {
      const disk = await facts.ramDisk()
      if (!disk.mounted) return null
      const { spec } = facts
      const [backing, memory] = await Promise.all([facts.ramDiskBacking(), facts.memory()])
      return judgeForgeMemory({ backing, disk, spec, memory })
    },
  },
]
