// A pretended Studio for one long test: the real core on the darwin provider, whose every command is an executable on PATH that
// keeps state. The servers are stand-ins and real processes.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Snapshot } from '../../../contract/snapshot.ts'
import { ensureStateFolder, locateStateFolder } from '../../config/state-folder.ts'
import { createDarwinPlatform, createDetachedStarter } from '../../platform/darwin-platform.ts'
import type { Platform } from '../../platform/platform.ts'
import { createTestMac, type TestMac } from '../../platform/test-support/mac.ts'
import { standInProgram } from '../../supervise/test-support/stand-in.ts'
import { type Core, createCore } from '../core.ts'

// Own samples with made-up numbers, in the formats of public recordings (fixtures).
// vm_stat/m4pro-24gb-macos26.1.txt, of which only the lines that are read stand here.
export const vmStat = (
  wiredPages: number,
  swapOuts: number,
) => `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              9000000.
Pages active:                            1000000.
Pages inactive:                           900000.
Pages speculative:                         10000.
Pages wired down:                        ${wiredPages}.
Pages purgeable:                            1000.
File-backed pages:                        500000.
Pages occupied by compressor:               2000.
Swapouts:                               ${swapOuts}.
`
// Line by line: sysctl/hw-memsize-m2pro.txt, sysctl/pressure-warn-b-macos26.5.txt (swap, pressure), sysctl/wired-limit-set.txt.
export const sysctl = (level: 1 | 2, swap: string) => `hw.memsize: 274877906944
vm.swapusage: total = 4096.00M  used = ${swap}  free = 100.00M  (encrypted)
kern.memorystatus_vm_pressure_level: ${level}
iogpu.wired_limit_mb: 200000
`
// ioreg/ioreg-l-m1-agxaccelerator-block.txt and ioreg/performance-statistics-m2.txt; the class of an M3 Ultra is assumed.
const ioreg =
  '+-o AGXAcceleratorG15X  <class AGXAcceleratorG15X>\n    {\n      "PerformanceStatistics" = {"In use system memory (driver)"=0,"Device Utilization %"=61,"In use system memory"=81000000000}\n    }\n'
/**
 * The program that `hdiutil info` names for the RAM disk (`process ID`, hdiutil/info-ram-apfs-zh_CN-10.14.txt), with blocks of
 * deleted files in its memory. Its path and words are assumed.
 */
const diskHelper = {
  pid: 4242,
  parentPid: 1,
  groupId: 4242,
  state: 'S',
  startedAtMs: 0,
  residentKibibytes: 23_000_000,
  path: '/x/DiskImages.framework/Resources/diskimages-helper',
  command: '/x/DiskImages.framework/Resources/diskimages-helper -uuid 1',
}
export const says = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

const writeScript = (path: string, lines: readonly string[]): void => {
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`)
  chmodSync(path, 0o755)
}

/** The first snapshot that fits; when there is none before the test's time is over, the last one says why. */
export const until = (core: Core, fits: (snapshot: Snapshot) => boolean): Promise<Snapshot> =>
  new Promise((resolve, reject) => {
    const watch = core.watch((snapshot) => look(snapshot))
    const timer = setTimeout(() => {
      watch.stop()
      const { services, overall, memory, ramDisk } = core.snapshot()
      reject(new Error(`never came: ${JSON.stringify({ overall, services, memory, ramDisk })}`))
    }, 30_000)
    const look = (snapshot: Snapshot) => {
      if (!fits(snapshot)) return
      clearTimeout(timer)
      watch.stop()
      resolve(snapshot)
    }
    look(core.snapshot())
  })

export interface Studio {
  readonly mac: TestMac
  readonly core: Core
  readonly platform: Platform
  readonly home: string
  readonly enginePort: number
  readonly profilePath: string
  readonly mountPoint: string
  /** To be called after the test, the last first. */
  readonly endings: (() => Promise<unknown>)[]
}

export const start = { type: 'start', only: null, force: false } as const
export const stop = { type: 'stop', only: null, eject: false, now: true, force: false } as const
const isDown = ({ services }: Snapshot) =>
  services.llamaServer.phase === 'stopped' && services.proxy.phase === 'stopped'

export const bootStudio = async (endings: Studio['endings']): Promise<Studio> => {
  const mac = createTestMac({ executables: true })
  if (mac.binaries === null) throw new Error('no executables')
  endings.push(async () => mac.remove())
  mac.change((state) => {
    state.seesRealProcesses = true
    state.replies['vm_stat'] = says(vmStat(300_000, 0))
    state.replies['sysctl'] = says(sysctl(1, '0.00M'))
    state.replies['ioreg'] = says(ioreg)
    state.processes = [diskHelper]
  })
  const home = join(mac.folder, 'home')
  mkdirSync(home)
  const folder = locateStateFolder({ NEXUS_HOME: join(home, 'state') }, 'darwin', home)
  ensureStateFolder(folder)
  const [enginePort, proxyPort] = [await freePort(), await freePort()]
  const help = join(import.meta.dirname, '../../../../resources/llama-help/b10434.txt')
  writeScript(join(home, 'llama-server'), [
    'case "$1" in',
    // Recorded from b10434; the version's form from b10068, its commit made up.
    `--help) cat '${help}' ;;`,
    "--version) echo 'version: 1 (abc)' >&2 ;;",
    `*) exec '${process.execPath}' '${standInProgram}' --load-ms 150 "$@" ;;`,
    'esac',
  ])
  const liteLlm = join(folder.runtimeDir, 'litellm')
  mkdirSync(join(liteLlm, 'lib/python3.12/site-packages/litellm-1.106.2.dist-info'), { recursive: true })
  mkdirSync(join(liteLlm, 'bin'))
  writeScript(join(liteLlm, 'bin/python'), [`exec '${process.execPath}' '${standInProgram}' --litellm "$@"`])
  writeFileSync(join(home, 'model.gguf'), 'not read by the stand-in')
  const profilePath = join(home, 'profile.json')
  writeFileSync(
    profilePath,
    JSON.stringify({
      extends: 'demo',
      llamaServer: {
        binaryPath: join(home, 'llama-server'),
        modelPath: join(home, 'model.gguf'),
        port: enginePort,
      },
      proxy: { port: proxyPort },
      ramDisk: { sizeMiB: 65_536, volumeName: 'OptaBuilds' },
    }),
  )
  const platform = createDarwinPlatform({
    run: mac.run,
    volumesFolder: mac.volumesFolder,
    startDetached: createDetachedStarter(mac.binaries),
  })
  const core = await createCore({
    folder,
    platform,
    background: true,
    resourcesDir: join(import.meta.dirname, '../../../../resources'),
    env: process.env,
    run: mac.run,
  })
  endings.push(async () => {
    await core.dispatch(stop)
    await until(core, isDown)
    await core.close()
  })
  return {
    mac,
    core,
    platform,
    home,
    enginePort,
    profilePath,
    endings,
    mountPoint: platform.ramDisk.defaultMountPoint('OptaBuilds'),
  }
}
