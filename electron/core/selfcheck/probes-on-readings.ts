// Probes on the glance's numbers: our parsers read all of them, and none is unknown.
import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parsePowerSettings } from '../platform/power-settings.ts'
import { describeFailure } from '../platform/run-command.ts'
import { parseScreenList } from '../platform/screen-sessions.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, notApplicable, type Probe, pass } from './probe.ts'

const quickMs = 15_000
const betweenReadingsMs = 1_000
const gibibyte = 2 ** 30

export const probesOnReadings = (context: SelfcheckContext): readonly Probe[] => {
  const isMac = context.platformId === 'darwin'
  return [
    {
      id: 'readings.memory',
      group: 'Readings',
      assumed: 'memory, swap, pressure and processor are read, and none is unknown',
      limitMs: quickMs,
      run: async ({ run, signal, keep }) => {
        // Linux reads files, so there is no command output to record.
        for (const path of isMac ? [] : ['/proc/meminfo', '/proc/pressure/memory'])
          keep('proc', path, await readFile(path, 'utf8').catch(() => ''))
        const read = context.createPlatform(run).createMemoryReader()
        await read()
        await pause(betweenReadingsMs, undefined, { signal })
        const memory = await read()
        // Linux wires nothing and may not compress; the GPU's default limit is known only to the GPU.
        const mayBeUnknown = isMac
          ? ['gpuLimitBytes']
          : ['gpuLimitBytes', 'wiredBytes', 'compressedBytes', 'pressure']
        const unknown = Object.entries(memory).flatMap(([name, value]) =>
          value === null && !mayBeUnknown.includes(name) ? [name] : [],
        )
        const said = `${(memory.usedBytes / gibibyte).toFixed(1)} of ${(memory.totalBytes / gibibyte).toFixed(1)} GiB used, pressure ${memory.pressure ?? 'unknown'}`
        return unknown.length === 0 ? pass(said) : fail(`${said}; unknown: ${unknown.join(', ')}`)
      },
    },
    {
      id: 'readings.total',
      group: 'Readings',
      assumed: "the total memory matches Node's",
      limitMs: quickMs,
      run: async ({ run }) => {
        const bytes = await context.createPlatform(run).readTotalMemoryBytes()
        return Math.abs(bytes - totalmem()) < bytes / 100
          ? pass(`${bytes} bytes`)
          : fail(`${bytes} bytes, Node says ${totalmem()}`)
      },
    },
    {
      id: 'readings.gpu',
      group: 'Readings',
      assumed: "the GPU's load and memory are read from ioreg",
      limitMs: quickMs,
      run: async ({ run }) => {
        if (!isMac) return notApplicable('on Linux each GPU vendor has its own tool')
        const use = await context.createPlatform(run).readGpuUse()
        if (use === null || use.busyPercent === null || use.usedBytes === null)
          return fail(`read as ${JSON.stringify(use)}`)
        return pass(`${use.busyPercent} % busy, ${(use.usedBytes / gibibyte).toFixed(1)} GiB`)
      },
    },
    {
      id: 'readings.addresses',
      group: 'Readings',
      assumed: 'the addresses for clients are found',
      limitMs: quickMs,
      run: async ({ run }) => {
        const addresses = await context.createPlatform(run).readLanAddresses()
        if (addresses.length > 0) return pass(addresses.join(', '))
        return isMac ? fail('none found') : notApplicable('this machine has only loopback')
      },
    },
    {
      id: 'readings.power',
      group: 'Readings',
      assumed: 'pmset shows whether the machine sleeps and restarts',
      limitMs: quickMs,
      run: async ({ run }) => {
        if (!isMac) return notApplicable('pmset is a command of macOS')
        const result = await run(['pmset', '-g'])
        const settings = result.kind === 'exited' ? parsePowerSettings(result.stdout) : null
        return settings === null || settings.sleepMinutes === null
          ? fail(`could not parse pmset -g: ${describeFailure(result).slice(0, 200)}`)
          : pass(
              `sleep ${settings.sleepMinutes}, restarts ${settings.restartsAfterPowerFailure ?? 'not listed'}`,
            )
      },
    },
    {
      id: 'readings.screen',
      group: 'Readings',
      assumed: 'screen -ls can be parsed (the old start script ran in screen)',
      limitMs: quickMs,
      run: async ({ run }) => {
        const result = await run(['screen', '-ls'])
        if (result.kind === 'not-run') return notApplicable(`no screen: ${result.reason}`)
        const sessions = parseScreenList(`${result.stdout}\n${result.stderr}`)
        return sessions === null
          ? fail(describeFailure(result))
          : pass(`${sessions.length} sessions, exit status ${result.exitCode}`)
      },
    },
  ]
}
