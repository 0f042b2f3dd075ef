// The machine's model, chip, cores, memory and system, as the seed's first page names its Studio (issue 16).
// From `systeminformation`, loaded only on demand: it is large, and on a Mac it runs system_profiler.
import type { Systeminformation } from 'systeminformation'
import { formatBytes } from '../base/format-bytes.ts'

export type MachineIdentity = Readonly<ReturnType<typeof parseMachine>>

/** The library's answers that we use. */
export interface MachineReading {
  readonly system: Pick<Systeminformation.SystemData, 'manufacturer' | 'model'>
  readonly cpu: Pick<
    Systeminformation.CpuData,
    'manufacturer' | 'brand' | 'physicalCores' | 'performanceCores' | 'efficiencyCores'
  >
  readonly osInfo: Pick<Systeminformation.OsData, 'distro' | 'release'>
  readonly graphics: {
    readonly controllers: readonly Pick<Systeminformation.GraphicsControllerData, 'cores'>[]
  }
}

/** The library returns '' and 0 for unknown values. */
const textOrNull = (...parts: readonly string[]): string | null => {
  const text = parts
    .filter((part) => part !== '')
    .join(' ')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
  return text === '' ? null : text
}
const countOrNull = (value: number | undefined): number | null =>
  value !== undefined && Number.isInteger(value) && value > 0 ? value : null

/**
 * By name and, where one name has two, by the number of GPU cores; no program reports it. A chip whose figure isn't on a page that
 * was read has none here: Apple publishes none for the M1, and no page ties the M3 Max's 300 GB/s to its 30 GPU cores.
 */
const bandwidths: readonly (readonly [chip: string, gigabytesPerSecond: number, gpuCores?: number])[] = [
  // https://www.apple.com/gw/newsroom/2021/10/introducing-m1-pro-and-m1-max-the-most-powerful-chips-apple-has-ever-built
  ['Apple M1 Pro', 200],
  ['Apple M1 Max', 400],
  // https://www.xda-developers.com/apple-announces-m1-ultra-its-most-powerful-computing-chip-yet/
  ['Apple M1 Ultra', 800],
  // https://www.iphoneincanada.ca/mac/apple-unveils-m2-pro-and-m2-max-its-most-powerful-chips-yet/ (400, four times the M2's)
  ['Apple M2', 100],
  ['Apple M2 Pro', 200],
  ['Apple M2 Max', 400],
  // https://blog.patti.tech/2023/06/05/as-rumored-the-mac-studio-gets-an-m2-refresh-including-fused-together-m2-ultra
  ['Apple M2 Ultra', 800],
  // https://github.com/kennss/SiliconScope/blob/a1644e5257549372212f6ada73ac0197e06b1b13/Sources/SiliconScopeCore/Bottleneck.swift
  ['Apple M3', 100],
  ['Apple M3 Pro', 150],
  // https://macmegasite.com/2024/10/30/m4-max-chip-has-16-core-cpu-40-core-gpu-and-35-increase-in-memory-bandwidth
  ['Apple M3 Max', 400, 40],
  ['Apple M4 Max', 546, 40],
  // https://english.worldmagazine.it/431260 (Macworld)
  ['Apple M3 Ultra', 819],
  ['Apple M4 Max', 410, 32],
  // https://www.neowin.net/news/apple-launches-new-m4-pro-and-m4-max-processors/
  ['Apple M4', 120],
  ['Apple M4 Pro', 273],
]

const bandwidthOf = (chip: string | null, gpuCores: number | null): number | null =>
  bandwidths.find(([name, , cores]) => name === chip && (cores === undefined || cores === gpuCores))?.[1] ??
  null

export function parseMachine(reading: MachineReading, memoryBytes: number) {
  const { system, cpu, osInfo, graphics } = reading
  const efficiencyCores = countOrNull(cpu.efficiencyCores)
  // The library returns "Docker Container" for a missing model.
  const model = system.model === 'Docker Container' ? null : textOrNull(system.model)
  const isNamed = cpu.brand.startsWith(cpu.manufacturer)
  const chip = textOrNull(isNamed ? '' : cpu.manufacturer, cpu.brand)
  const gpuCores =
    graphics.controllers.map(({ cores }) => countOrNull(cores)).find((cores) => cores !== null) ?? null
  return {
    /** Such as Mac15,14; null in containers, or if the firmware does not report it. */
    model,
    chip,
    cores: countOrNull(cpu.physicalCores),
    /** null if all cores are of one kind. */
    performanceCores: efficiencyCores === null ? null : countOrNull(cpu.performanceCores),
    efficiencyCores,
    /** null except on Apple silicon. */
    gpuCores,
    memoryBytes,
    /** Memory bandwidth in GB/s (10^9), as stated by Apple; null for a chip that is not in the list. */
    memoryGigabytesPerSecond: bandwidthOf(chip, gpuCores),
    system: textOrNull(osInfo.distro, osInfo.release),
  }
}

let reading: Promise<MachineReading> | null = null

/** Read once per process: none of it changes meanwhile. */
const readMachineOnce = (): Promise<MachineReading> => {
  reading ??= import('systeminformation').then(async ({ default: library }) => {
    const [system, cpu, osInfo, graphics] = await Promise.all([
      library.system(),
      library.cpu(),
      library.osInfo(),
      // On other systems it runs nvidia-smi and lspci for values that we don't show.
      process.platform === 'darwin' ? library.graphics() : { controllers: [] },
    ])
    return { system, cpu, osInfo, graphics }
  })
  return reading
}

/** @param memoryBytes from the platform, the figure that plans use */
export const readMachineIdentity = async (memoryBytes: number): Promise<MachineIdentity> =>
  parseMachine(await readMachineOnce(), memoryBytes)

export function sayMachine(machine: MachineIdentity): string {
  const { performanceCores, efficiencyCores, cores, gpuCores, memoryGigabytesPerSecond: bandwidth } = machine
  const kinds =
    performanceCores === null || efficiencyCores === null
      ? null
      : `${performanceCores} performance + ${efficiencyCores} efficiency cores`
  return [
    machine.model,
    machine.chip,
    kinds ?? (cores === null ? null : `${cores} cores`),
    gpuCores === null ? null : `${gpuCores} GPU cores`,
    bandwidth === null
      ? formatBytes(machine.memoryBytes)
      : `${formatBytes(machine.memoryBytes)} at ${bandwidth} GB/s`,
    machine.system,
  ]
    .filter((part) => part !== null)
    .join(', ')
}

/** In one line; null when unreadable. */
export const readMachineLine = (memoryBytes: number): Promise<string | null> =>
  readMachineIdentity(memoryBytes).then(sayMachine, () => null)
