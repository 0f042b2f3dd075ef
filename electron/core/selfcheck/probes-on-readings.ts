// Probes on the glance's numbers: our parsers read all of them, and none is unknown.
import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { formatBytes, formatShare } from '../../wording/figures.ts'
import { parsePowerSettings } from '../platform/power-settings.ts'
import { describeFailure } from '../platform/run-command.ts'
import { parseScreenList } from '../platform/screen-sessions.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, inGroup, judged, notApplicable, outputOf, type Probe, pass } from './probe.ts'

const probe = inGroup('Readings')
const betweenReadingsMs = 1_000

export const probesOnReadings = (context: SelfcheckContext): readonly Probe[] => {
  const isMac = context.platformId === 'darwin'
  return [
    probe(
      'readings.memory',
      'memory, swap, pressure and processor are read, none is unknown, and Node has the same total',
      async ({ run, signal, keep }) => {
        // Linux reads files, so there is no command output to record.
        for (const path of isMac ? [] : ['/proc/meminfo', '/proc/pressure/memory'])
          keep('proc', path, await readFile(path, 'utf8').catch(() => ''))
        const platform = context.createPlatform(run)
        const read = platform.createMemoryReader()
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
        const said = `${formatShare(memory.usedBytes, memory.totalBytes)} used, pressure ${memory.pressure ?? 'unknown'}`
        if (unknown.length > 0) return fail(`${said}; unknown: ${unknown.join(', ')}`)
        const bytes = await platform.readTotalMemoryBytes()
        return judged(
          Math.abs(bytes - totalmem()) < bytes / 100,
          said,
          `; Node says ${totalmem()}, not ${bytes}`,
        )
      },
    ),
    probe('readings.addresses', 'the addresses for clients are found', async ({ run }) => {
      const addresses = await context.createPlatform(run).readLanAddresses()
      if (addresses.length > 0) return pass(addresses.join(', '))
      return isMac ? fail('none found') : notApplicable('this machine has only loopback')
    }),
    probe(
      'readings.screen',
      'screen -ls can be parsed (the old start script ran in screen)',
      async ({ run }) => {
        const result = await run(['screen', '-ls'])
        if (result.kind === 'not-run') return notApplicable(`no screen: ${result.reason}`)
        const sessions = parseScreenList(`${result.stdout}\n${result.stderr}`)
        return sessions === null
          ? fail(describeFailure(result))
          : pass(`${sessions.length} sessions, exit status ${result.exitCode}`)
      },
    ),
    ...(isMac ? probesOnMacReadings(context) : []),
  ]
}

const probesOnMacReadings = (context: SelfcheckContext): readonly Probe[] => [
  probe('readings.gpu', "the GPU's load and memory are read from ioreg", async ({ run }) => {
    const use = await context.createPlatform(run).readGpuUse()
    if (use === null || use.busyPercent === null || use.usedBytes === null)
      return fail(`read as ${JSON.stringify(use)}`)
    return pass(`${use.busyPercent} % busy, ${formatBytes(use.usedBytes)}`)
  }),
  probe('readings.power', 'pmset shows whether the machine sleeps and restarts', async ({ run }) => {
    const text = await outputOf(run, ['pmset', '-g'])
    const settings = parsePowerSettings(text)
    return settings === null || settings.sleepMinutes === null
      ? fail(`could not parse pmset -g: ${text.slice(0, 200)}`)
      : pass(`sleep ${settings.sleepMinutes}, restarts ${settings.restartsAfterPowerFailure ?? 'not listed'}`)
  }),
]
