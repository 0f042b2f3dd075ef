// The probes on the RAM disk: on an imitated Mac, where each is made to pass and to fail, and for real on Linux.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDarwinPlatform } from '../platform/darwin-platform.ts'
import { createLinuxPlatform } from '../platform/linux-platform.ts'
import { readHolders } from '../platform/linux-processes.ts'
import type { Platform } from '../platform/platform.ts'
import { createCommandRunner, type RunCommand } from '../platform/run-command.ts'
import { createTestMac, type TestMac } from '../platform/test-support/mac.ts'
import { probesOnForge } from './probes-on-forge.ts'
import { probesOnLargeDisk } from './probes-on-large-disk.ts'
import { createTestContext, exited, tryProbes } from './test-support/probes.ts'

const mebibyte = 2 ** 20
const real = createCommandRunner()
let mac: TestMac
beforeEach(() => {
  mac = createTestMac({ executables: false })
})
afterEach(() => mac.remove())

type Reply = Awaited<ReturnType<RunCommand>>

/** The imitated Mac, with this machine's perl, cat and real file holders, and the outputs that a test overrides. */
const createRunner =
  (
    instead: (argv: readonly string[], usual: () => Promise<Reply>) => Promise<Reply> | null = () => null,
  ): RunCommand =>
  async (argv, options) => {
    const usual = async (): Promise<Reply> => {
      const [command, verb] = argv
      if (command === 'perl' || command === 'cat') return real(argv, options)
      if (command === 'lsof' || verb === 'detach') {
        const holders = await readHolders(mac.volumesFolder)
        mac.change((state) => {
          state.holders = holders.map(({ pid }) => ({ pid, command: 'sleep', user: 'ana' }))
        })
      }
      const reply = await mac.run(argv, options)
      // `attach -nobrowse` shows as a flag in the mount table (mount(8)); the stand-in omits it.
      return command === 'mount' && reply.kind === 'exited'
        ? exited(reply.stdout.replaceAll(/, nobrowse/g, '').replaceAll('nosuid', 'nosuid, nobrowse'))
        : reply
    }
    return (await instead(argv, usual)) ?? usual()
  }

/** This machine's folder has another size than the disk that it imitates. */
const createMac = (run: RunCommand): Platform => {
  const platform = createDarwinPlatform({ run, volumesFolder: mac.volumesFolder })
  return {
    ...platform,
    ramDisk: {
      ...platform.ramDisk,
      read: async (spec) => ({
        ...(await platform.ramDisk.read(spec)),
        totalBytes: 16 * mebibyte,
        usedBytes: 0,
      }),
    },
  }
}

const probes = (createPlatform = createMac) => probesOnForge(createTestContext({ createPlatform }))

/** diskutil(8): "Running as root is required". */
const needsRoot: Parameters<typeof createRunner>[0] = (argv) =>
  argv[1] === 'enableOwnership' ? Promise.resolve(exited('', 1, 'Running as root is required\n')) : null

describe('on an imitated Mac', () => {
  const all = [
    'forge.images',
    'forge.mount',
    'forge.backing',
    'forge.use',
    'forge.image',
    'forge.device-removed',
    'forge.owners',
    'forge.spotlight',
    'forge.privacy',
    'forge.eject-busy',
    'forge.eject',
    'forge.eject-forced',
  ]

  it('all pass, leaving no image, volume or process', async () => {
    // Two lines without images (recorded on 15.7.7 and 26); the parser of this tree may still want a count.
    const { results, left } = await tryProbes(probes(), all, createRunner(needsRoot))
    const failed = Object.entries(results).filter(([, { verdict }]) => verdict !== 'pass')
    expect(failed).toEqual([])
    expect(left).toEqual([])
    expect(mac.read().images).toEqual([])
    expect(readdirSync(mac.volumesFolder)).toEqual([])
    expect(await readHolders(mac.volumesFolder)).toEqual([])
  })

  const failing = async (
    id: string,
    run: RunCommand,
    before: readonly string[] = ['forge.mount'],
    platform = createMac,
  ) => {
    const { results } = await tryProbes(probes(platform), [...before, id], run)
    return results[id]
  }

  it('forge.images fails on unparsable text', async () => {
    const run = createRunner((argv) => (argv[1] === 'info' ? Promise.resolve(exited('<plist>\n')) : null))
    expect(await failing('forge.images', run, [])).toMatchObject({ verdict: 'fail' })
  })

  it('forge.mount fails on a wrong size and a refused attach; later probes are not applicable', async () => {
    const unsized = (run: RunCommand) => createDarwinPlatform({ run, volumesFolder: mac.volumesFolder })
    expect(await failing('forge.mount', createRunner(), [], unsized)).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('expected 16 MiB'),
    })
    const refusing = createRunner((argv) =>
      argv[1] === 'attach' ? Promise.resolve(exited('', 1, 'hdiutil: attach failed - no\n')) : null,
    )
    const { results } = await tryProbes(probes(), ['forge.mount', 'forge.use'], refusing)
    expect(results['forge.mount']).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('attach failed - no'),
    })
    expect(results['forge.use']).toMatchObject({ verdict: 'not-applicable' })
  })

  it('reports a leftover device when a mount fails half way and cannot roll back', async () => {
    const run = createRunner((argv) =>
      argv[1] === 'erasevolume' || argv[1] === 'detach' ? Promise.resolve(exited('', 1, 'no\n')) : null,
    )
    const { results, left } = await tryProbes(probes(), ['forge.mount'], run)
    expect(results['forge.mount']).toMatchObject({ verdict: 'fail' })
    expect(left[0]).toMatch(
      /could not be detached, so it still holds its memory: hdiutil detach -force \/dev\/disk4/,
    )
  })

  it('forge.backing fails without a holder', async () => {
    const run = createRunner(async (argv, usual) => {
      const reply = await usual()
      return argv[1] === 'info' && reply.kind === 'exited'
        ? exited(reply.stdout.replaceAll(/^process ID.*\n/gm, ''))
        : reply
    })
    expect(await failing('forge.backing', run)).toMatchObject({ verdict: 'fail' })
  })

  it('forge.use fails when flock does not exclude', async () => {
    const run = createRunner((argv) => (argv[0] === 'perl' ? Promise.resolve(exited('both got it')) : null))
    expect(await failing('forge.use', run)).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('both got it'),
    })
  })

  it('forge.image fails when the Finder shows the volume', async () => {
    const run = createRunner(async (argv, usual) => {
      const reply = await usual()
      return argv[0] === 'mount' && reply.kind === 'exited'
        ? exited(reply.stdout.replaceAll(', nobrowse', ''))
        : reply
    })
    expect(await failing('forge.image', run)).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('the Finder shows it'),
    })
  })

  it('forge.device-removed fails when a device stays attached, and removes it by force', async () => {
    const run = createRunner((argv) =>
      argv[1] === 'detach' && !argv.includes('-force') ? Promise.resolve(exited('', 1, 'no\n')) : null,
    )
    const { results, left } = await tryProbes(probes(), ['forge.mount', 'forge.device-removed'], run)
    expect(results['forge.device-removed']).toMatchObject({ verdict: 'fail' })
    expect(left).toEqual([])
    expect(mac.read().images).toEqual([])
  })

  it('forge.owners fails when ownership is honoured without root', async () => {
    const run = createRunner((argv) => {
      if (argv[1] !== 'enableOwnership') return null
      mac.change((state) => {
        for (const image of state.images) for (const volume of image.volumes) volume.owners = true
      })
      return Promise.resolve(exited('File system user/group ownership enabled\n'))
    })
    expect(await failing('forge.owners', run)).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('honoured after'),
    })
  })

  it('forge.spotlight fails when the volume is indexed', async () => {
    const run = createRunner((argv) =>
      argv[0] === 'mdutil' ? Promise.resolve(exited(`${argv[2]}:\n\tIndexing enabled. \n`)) : null,
    )
    expect(await failing('forge.spotlight', run)).toMatchObject({ verdict: 'fail' })
  })

  it('forge.privacy fails when a file cannot be read, and says what to allow', async () => {
    const run = createRunner((argv) =>
      argv[0] === 'cat' ? Promise.resolve(exited('', 1, 'cat: Operation not permitted\n')) : null,
    )
    expect(await failing('forge.privacy', run)).toMatchObject({
      verdict: 'fail',
      found: expect.stringMatching(/Operation not permitted.*full disk access/),
    })
  })

  it('forge.eject-busy fails when an open file does not stop it, or another process is named', async () => {
    const forcing = createRunner((argv) =>
      argv[1] === 'detach' && !argv.includes('-force')
        ? mac.run(['hdiutil', 'detach', '-force', argv[2] ?? ''])
        : null,
    )
    expect(await failing('forge.eject-busy', forcing)).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('not busy'),
    })
    const misnaming = createRunner((argv) =>
      argv[0] === 'lsof' ? Promise.resolve(exited('p1\nclaunchd\nLroot\nf3\nn/x\n')) : null,
    )
    expect(await failing('forge.eject-busy', misnaming)).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('is not named'),
    })
  })

  it('forge.eject and forge.eject-forced fail when the disk stays, and report it as left', async () => {
    const run = createRunner((argv) =>
      argv[1] === 'detach' ? Promise.resolve(exited('', 1, 'hdiutil: detach failed - no\n')) : null,
    )
    const { results, left } = await tryProbes(
      probes(),
      ['forge.mount', 'forge.eject', 'forge.eject-forced'],
      run,
    )
    expect(results['forge.eject']).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('detach failed'),
    })
    expect(results['forge.eject-forced']).toMatchObject({ verdict: 'fail' })
    expect(left).toHaveLength(2)
    expect(left[0]).toMatch(/the RAM disk at .*-forced .*remove it: hdiutil detach -force/)
  })
})

describe('forge.large on an imitated Mac', () => {
  const context = (
    change: (written: number) => Partial<Record<'usedBytes' | 'wiredBytes' | 'availableBytes', number>>,
  ) => {
    const bytes = mebibyte
    let readings = 0
    return createTestContext({
      largeBytes: bytes,
      createPlatform: (run) => {
        const platform = createMac(run)
        const memory = {
          totalBytes: 100 * bytes,
          usedBytes: 10 * bytes,
          availableBytes: 90 * bytes,
          wiredBytes: bytes,
          compressedBytes: 0,
          swapUsedBytes: 0,
          swapOutBytesPerSecond: 0,
          pressure: 'normal' as const,
          gpuLimitBytes: null,
          cpuPercent: 1,
        }
        return {
          ...platform,
          createMemoryReader: () => async () => {
            readings += 1
            return { ...memory, ...change(readings) }
          },
        }
      },
    })
  }
  it.each([
    ['pass', (reading: number) => (reading === 2 ? { usedBytes: 11 * mebibyte } : {})],
    ['fail', (reading: number) => (reading === 2 ? { wiredBytes: 2 * mebibyte } : {})],
    ['fail', (reading: number) => (reading > 1 ? { usedBytes: 11 * mebibyte } : {})],
    ['not-applicable', () => ({ availableBytes: mebibyte })],
  ] as const)('%s', async (verdict, change) => {
    const { results, left } = await tryProbes(
      probesOnLargeDisk(context(change), 0),
      ['forge.large'],
      createRunner(),
    )
    expect(results['forge.large']).toMatchObject({ verdict })
    expect(left).toEqual([])
    expect(mac.read().images).toEqual([])
  })
})

describe.skipIf(process.platform !== 'linux')('on this machine', () => {
  it('all pass, leaving nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-probes-'))
    const context = createTestContext({
      platformId: 'linux',
      createPlatform: (run) => createLinuxPlatform({ ramDiskRoot: folder, run }),
    })
    const own = probesOnForge(context)
    const { results, left } = await tryProbes(
      own,
      own.map(({ id }) => id),
      real,
    )
    expect(Object.entries(results).filter(([, { verdict }]) => verdict !== 'pass')).toEqual([])
    expect(left).toEqual([])
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
    rmSync(folder, { recursive: true, force: true })
  })
})
