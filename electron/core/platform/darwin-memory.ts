// Memory, swap, pressure and CPU of a Mac. Tested only on recorded output so far.
import { cpus } from 'node:os'
import type { Memory } from '../../contract/snapshot.ts'
import { type Counters, type CpuTicks, ratesBetween } from './memory-rates.ts'
import type { CommandResult, RunCommand } from './run-command.ts'

/**
 * sysctl exits 1 when one key is unknown (iogpu.* on Intel) but still prints the others, so its exit status means
 * nothing.
 */
const stdoutOf = (result: CommandResult): string => (result.kind === 'exited' ? result.stdout : '')

export const readDarwinTotalBytes = async (run: RunCommand): Promise<number> => {
  const values = parseSysctl(stdoutOf(await run(['sysctl', 'hw.memsize'])))
  const totalBytes = parseWholeNumber(values.get('hw.memsize'))
  if (totalBytes === null || totalBytes === 0)
    throw new Error('sysctl hw.memsize does not report the memory size')
  return totalBytes
}

const keys = [
  'hw.memsize',
  'vm.swapusage',
  'kern.memorystatus_vm_pressure_level',
  'iogpu.wired_limit_mb',
] as const

/** Rates are between two readings of the same reader. Throws when the system's output is not understood. */
export const createDarwinMemoryReader = (run: RunCommand): (() => Promise<Memory>) => {
  let before: Counters | null = null
  return async () => {
    const [vmStatResult, sysctlResult] = await Promise.all([run(['vm_stat']), run(['sysctl', ...keys])])
    const vmStat = parseVmStat(stdoutOf(vmStatResult))
    if (vmStat === null) throw new Error('vm_stat printed output that was not understood')
    const values = parseSysctl(stdoutOf(sysctlResult))
    const totalBytes = parseWholeNumber(values.get('hw.memsize'))
    if (totalBytes === null) throw new Error('sysctl printed a memory size that was not understood')
    if (vmStat.usedBytes > totalBytes)
      throw new Error('vm_stat counts more memory in use than sysctl reports in all')
    const counters = { atMs: performance.now(), swapOutPages: vmStat.swapOutPages, cpu: readCpuTicks() }
    const rates = ratesBetween(before, counters, vmStat.pageBytes)
    before = counters
    return {
      totalBytes,
      usedBytes: vmStat.usedBytes,
      availableBytes: totalBytes - vmStat.usedBytes,
      wiredBytes: vmStat.wiredBytes,
      compressedBytes: vmStat.compressedBytes,
      swapUsedBytes: parseSwapUsedBytes(values.get('vm.swapusage')),
      pressure: parsePressureLevel(values.get('kern.memorystatus_vm_pressure_level')),
      gpuLimitBytes: parseGpuLimitBytes(values.get('iogpu.wired_limit_mb')),
      ...rates,
    }
  }
}

/** From host_processor_info, through Node: `top` and `iostat` need a second for the same. */
const readCpuTicks = (): CpuTicks | null => {
  const times = cpus().map((cpu) => cpu.times)
  if (times.length === 0) return null
  const total = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0)
  return { total, idle: times.reduce((sum, { idle }) => sum + idle, 0) }
}

/**
 * Lines are `Name:   123.`; one name is quoted, and newer systems add lines that we don't need. Skips a counter too large for
 * an exact number.
 */
const parseCounters = (text: string): ReadonlyMap<string, number> =>
  new Map(
    [...text.matchAll(/^"?([^":\n]+)"?:[ \t]+([0-9]+)\.?\s*$/gm)].flatMap(([, name, digits]) =>
      name !== undefined && Number.isSafeInteger(Number(digits)) ? [[name, Number(digits)]] : [],
    ),
  )

/** Apple silicon has 16384, Intel 4096; no Mac has another size, and a wrong one would scale every number. */
const isPageSize = (bytes: number): boolean =>
  bytes >= 4096 && bytes <= 65_536 && Number.isInteger(Math.log2(bytes))

/**
 * `used` as Activity Monitor shows it: active + inactive + speculative + wired + compressor - purgeable -
 * file-backed (the formula of Stats and macmon on host_statistics64). The page size is the header's: 16384 on Apple
 * silicon, 4096 on Intel. null when any part is missing, or when the counters contradict each other.
 */
export const parseVmStat = (text: string) => {
  const pageBytes = Number(/\(page size of ([0-9]+) bytes\)/.exec(text)?.[1])
  const counters = parseCounters(text)
  const added = [
    'Pages active',
    'Pages inactive',
    'Pages speculative',
    'Pages wired down',
    'Pages occupied by compressor',
  ]
  const removed = ['Pages purgeable', 'File-backed pages']
  const sum = (names: readonly string[]) =>
    names.reduce((total, name) => total + (counters.get(name) ?? Number.NaN), 0)
  const usedBytes = (sum(added) - sum(removed)) * pageBytes
  const wiredBytes = sum(['Pages wired down']) * pageBytes
  const compressedBytes = sum(['Pages occupied by compressor']) * pageBytes
  // Wired and compressor memory are parts of used memory, so a smaller total is a contradiction. NaN is no safe
  // integer either.
  const isConsistent = usedBytes >= 0 && usedBytes >= Math.max(wiredBytes, compressedBytes)
  if (!isPageSize(pageBytes) || !Number.isSafeInteger(sum(added) * pageBytes) || !isConsistent) return null
  return {
    pageBytes,
    usedBytes,
    wiredBytes,
    /** The memory that the compressor takes, not what is stored in it. */
    compressedBytes,
    swapOutPages: counters.get('Swapouts') ?? null,
  }
}

/** Ask for keys by name, never with -n: there an unknown key has no line, and all later values shift. */
export const parseSysctl = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      // Values may contain ": " themselves (kern.boottime), so split at the first one.
      const colon = line.indexOf(': ')
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 2).trim()]]
    }),
  )

export const parseWholeNumber = (text: string | undefined): number | null =>
  text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : null

const unitBytes: ReadonlyMap<string, number> = new Map([
  ['K', 2 ** 10],
  ['M', 2 ** 20],
  ['G', 2 ** 30],
  ['T', 2 ** 40],
])

/**
 * `total = 3072.00M  used = 2513.50M ...`; with a decimal comma under some locales. sysctl prints `%.2fM` (system_cmds,
 * sysctl.c), so another number of decimals is another notation: `1,568M` may well be 1568. null when it is not understood, or
 * when more is used than exists.
 */
export const parseSwapUsedBytes = (value: string | undefined): number | null => {
  const bytesOf = (name: string): number | null => {
    const [, digits, unit = ''] =
      new RegExp(`\\b${name} = ([0-9]{1,9}[.,][0-9]{2})([KMGT])(?!\\w)`).exec(value ?? '') ?? []
    const factor = unitBytes.get(unit)
    return digits === undefined || factor === undefined
      ? null
      : Math.round(Number(digits.replace(',', '.')) * factor)
  }
  const usedBytes = bytesOf('used')
  const totalBytes = bytesOf('total')
  return usedBytes !== null && totalBytes !== null && usedBytes > totalBytes ? null : usedBytes
}

/** kern.memorystatus_vm_pressure_level: 1 normal, 2 warning, 4 critical (as DISPATCH_MEMORYPRESSURE_*). */
export const parsePressureLevel = (value: string | undefined): Memory['pressure'] => {
  switch (value) {
    case '1':
      return 'normal'
    case '2':
      return 'warn'
    case '4':
      return 'critical'
    default:
      return null
  }
}

/** null for 0: that means the system's default, which only the device knows (llama-server's log prints it). */
export const parseGpuLimitBytes = (value: string | undefined): number | null => {
  const mib = parseWholeNumber(value)
  const bytes = mib === null ? null : mib * 2 ** 20
  return bytes === null || bytes === 0 || !Number.isSafeInteger(bytes) ? null : bytes
}
