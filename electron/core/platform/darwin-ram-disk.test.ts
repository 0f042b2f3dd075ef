import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { RamDiskSchema } from '../../contract/snapshot.ts'
import { createDarwinRamDisk } from './darwin-ram-disk.ts'
import type { RamDiskControl, RamDiskSpec } from './platform.ts'
import { createTestMac, type TestMac } from './test-support/mac.ts'

const GiB = 2 ** 30
let mac: TestMac
let disk: RamDiskControl
const spec = (changes: Partial<RamDiskSpec> = {}): RamDiskSpec => ({
  volumeName: 'OptaBuilds',
  sizeBytes: 64 * GiB,
  mountPoint: join(mac.volumesFolder, 'OptaBuilds'),
  filesystem: 'hfs+',
  ...changes,
})
const create = () => createDarwinRamDisk({ run: mac.run, volumesFolder: mac.volumesFolder })
const journal = () => mac.journal().filter((line) => !['hdiutil info', 'mount'].includes(line))
const failWith = (what: string, stderr: string, exitCode = 1) =>
  mac.change((state) => {
    state.failing[what] = { exitCode, stdout: '', stderr }
  })

const withoutOwners = 'mounted without ownership'

const begin = (options: { readonly executables: boolean }) => () => {
  mac = createTestMac(options)
  disk = create()
  onTestFinished(() => mac.remove())
}

describe('an evening with the RAM disk on a pretended Mac, through executables', () => {
  beforeEach(begin({ executables: true }))

  it('attaches exact sectors, formats, keeps Spotlight off, and gives the memory back', async () => {
    expect(disk.defaultMountPoint('OptaBuilds')).toBe(spec().mountPoint)
    expect(await disk.read(spec())).toMatchObject({ mounted: false, kind: null })
    const outcome = await disk.mount(spec())
    expect(outcome).toMatchObject({
      kind: 'mounted',
      already: false,
      note: expect.stringContaining(withoutOwners),
    })
    expect(journal()).toEqual([
      'hdiutil attach -nobrowse -nomount ram://134217728',
      'diskutil erasevolume HFS+ OptaBuilds /dev/disk4',
    ])
    // Both developers can write; who wrote what is known only where root has turned owners on.
    expect(await disk.ignoresOwners(spec())).toBe(true)
    expect(statSync(spec().mountPoint).mode & 0o7777).toBe(0o1777)
    expect(RamDiskSchema.parse(await disk.read(spec()))).toMatchObject({ mounted: true, kind: 'hfs+' })
    for (const file of ['.metadata_never_index', '.fseventsd/no_log', '.Trashes']) {
      expect(existsSync(join(spec().mountPoint, file))).toBe(true)
    }
    expect(await disk.mount(spec())).toEqual({ kind: 'mounted', already: true, note: null })
    expect(await disk.eject(spec(), { force: false })).toEqual({ kind: 'done' })
    expect(journal().at(-1)).toBe('hdiutil detach /dev/disk4')
    expect(mac.read().images).toEqual([])
    expect(await disk.read(spec())).toMatchObject({ mounted: false })
    expect(await disk.eject(spec(), { force: false })).toEqual({ kind: 'not-mounted' })
  })

  it('has owners once root has turned them on with the command that it names', async () => {
    expect(await disk.ignoresOwners(spec())).toBeNull()
    const { mountPoint } = spec()
    const command = ['diskutil', 'enableOwnership', mountPoint] as const
    expect(await disk.mount(spec())).toMatchObject({
      note: expect.stringContaining(`sudo ${command.join(' ')}`),
    })
    mac.change((state) => {
      state.isRoot = true
    })
    expect(await mac.run(command)).toMatchObject({ exitCode: 0 })
    expect(await disk.ignoresOwners(spec())).toBe(false)
  })

  it('makes an APFS volume, and detaches the disk under it, not the one that APFS made up', async () => {
    const apfs = spec({ filesystem: 'apfs' })
    expect(await disk.mount(apfs)).toMatchObject({ kind: 'mounted', already: false })
    expect(journal().slice(-1)).toEqual(['diskutil apfs create /dev/disk4 OptaBuilds'])
    expect(await disk.read(apfs)).toMatchObject({ mounted: true, kind: 'apfs' })
    expect(await disk.eject(apfs, { force: false })).toEqual({ kind: 'done' })
    expect(journal().at(-1)).toBe('hdiutil detach /dev/disk4')
  })

  it('says what holds its memory: a program, with how much of it, or the kernel', async () => {
    expect(await disk.readBacking(spec())).toBeNull()
    await disk.mount(spec())
    expect(await disk.readBacking(spec())).toEqual({ kind: 'program', pid: 4242, residentBytes: null })
    mac.change((state) => {
      state.replies['ps'] = { exitCode: 0, stdout: '2097152 /x/Resources/diskimages-helper\n', stderr: '' }
    })
    expect(await disk.readBacking(spec())).toMatchObject({ residentBytes: 2 ** 31 })
    mac.change((state) => {
      state.replies['ps'] = {
        exitCode: 0,
        stdout: ' 9000 /Applications/Mail.app/Contents/MacOS/Mail\n',
        stderr: '',
      }
    })
    expect(await disk.readBacking(spec())).toMatchObject({ residentBytes: null })
    mac.change((state) => {
      for (const image of state.images) image.helperPid = null
    })
    expect(await disk.readBacking(spec())).toEqual({ kind: 'kernel' })
  })

  it('is found again by the next core, with its real file system', async () => {
    await disk.mount(spec())
    const next = create()
    expect(await next.read(spec())).toMatchObject({ mounted: true, kind: 'hfs+' })
    expect(await next.mount(spec({ filesystem: 'apfs' }))).toEqual({
      kind: 'mounted',
      already: true,
      note: 'formatted as hfs, not apfs',
    })
    expect(await next.eject(spec(), { force: false })).toEqual({ kind: 'done' })
  })

  it('moves the volume to a mount point that is not named after it', async () => {
    const elsewhere = spec({ mountPoint: join(mac.folder, 'my builds') })
    expect(await disk.mount(elsewhere)).toMatchObject({ kind: 'mounted', already: false })
    expect(journal().slice(-2)).toEqual([
      'diskutil unmount /dev/disk4',
      `diskutil mount -mountPoint ${elsewhere.mountPoint} /dev/disk4`,
    ])
    expect(await disk.read(elsewhere)).toMatchObject({ mounted: true })
    expect(await disk.eject(elsewhere, { force: false })).toEqual({ kind: 'done' })
    expect(existsSync(elsewhere.mountPoint)).toBe(false)
  })

  it('asks hdiutil what is mounted once, not at every reading', async () => {
    await disk.mount(spec())
    const asked = () => mac.journal().filter((line) => line === 'hdiutil info').length
    await disk.read(spec())
    const before = asked()
    await disk.read(spec())
    expect(asked()).toBe(before)
  })

  it('frees what it attached itself after a user unmounted it', async () => {
    await disk.mount(spec())
    await mac.run(['diskutil', 'unmount', '/dev/disk4'])
    expect(await disk.read(spec())).toMatchObject({ mounted: false, kind: null })
    expect(await disk.mount(spec())).toMatchObject({ kind: 'mounted', already: false })
    expect(mac.read().images.map((image) => image.device)).toEqual(['/dev/disk5'])
  })

  it('only names an unmounted disk that it cannot know to be its own', async () => {
    await mac.run(['hdiutil', 'attach', '-nomount', 'ram://134217728'])
    const outcome = await disk.mount(spec())
    expect(outcome).toMatchObject({
      kind: 'mounted',
      note: expect.stringContaining('hdiutil detach /dev/disk4'),
    })
    expect(mac.read().images).toHaveLength(2)
  })
})

describe('a busy RAM disk on a pretended Mac, through executables', () => {
  beforeEach(begin({ executables: true }))

  const holders = [{ pid: 811, command: 'cargo', user: 'ana' }]
  const hold = () =>
    mac.change((state) => {
      state.holders = holders
    })

  it('is not ejected: its holders are named', async () => {
    await disk.mount(spec())
    hold()
    expect(await disk.eject(spec(), { force: false })).toEqual({ kind: 'busy', holders })
    expect(await disk.read(spec())).toMatchObject({ mounted: true })
  })

  it('is ejected with force', async () => {
    await disk.mount(spec())
    hold()
    expect(await disk.eject(spec(), { force: true })).toEqual({ kind: 'done' })
    expect(journal().at(-1)).toBe('hdiutil detach -force /dev/disk4')
  })

  it('is known to be in use when hdiutil says so in another language, but not if no process has it open', async () => {
    await disk.mount(spec())
    hold()
    failWith('hdiutil detach', 'hdiutil: could not unmount "disk4" - 资源忙\n')
    expect(await disk.eject(spec(), { force: false })).toEqual({ kind: 'busy', holders })
    expect(await disk.eject(spec(), { force: true })).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('资源忙'),
    })
    mac.change((state) => {
      state.holders = []
    })
    expect(await disk.eject(spec(), { force: false })).toMatchObject({ kind: 'failed' })
  })

  it('is ejected when hdiutil gave up waiting, but the disk is gone', async () => {
    await disk.mount(spec())
    const run: typeof mac.run = async (argv, options) => {
      const result = await mac.run(argv, options)
      return argv[1] === 'detach'
        ? {
            kind: 'exited',
            exitCode: 1,
            stdout: '',
            stderr: 'hdiutil: detach: timeout for DiskArbitration expired\n',
          }
        : result
    }
    const impatient = createDarwinRamDisk({ run, volumesFolder: mac.volumesFolder })
    expect(await impatient.eject(spec(), { force: false })).toEqual({ kind: 'done' })
    expect(mac.read().images).toEqual([])
  })

  it('names the process that the system named when lsof sees none (root, Spotlight)', async () => {
    await disk.mount(spec())
    failWith('hdiutil detach', 'Unmount was dissented by PID 319 (/usr/sbin/mds_stores).\n')
    expect(await disk.eject(spec(), { force: false })).toEqual({
      kind: 'busy',
      holders: [{ pid: 319, command: '/usr/sbin/mds_stores', user: null }],
    })
  })
})

describe('failures on a pretended Mac, through executables', () => {
  beforeEach(begin({ executables: true }))

  it('attach fails: nothing is left and the words of hdiutil are shown', async () => {
    failWith('hdiutil attach', 'hdiutil: attach failed - Cannot allocate memory\n')
    expect(await disk.mount(spec())).toEqual({
      kind: 'failed',
      reason: 'hdiutil attach failed: hdiutil: attach failed - Cannot allocate memory',
    })
    expect(mac.read().images).toEqual([])
  })

  it.each([
    ['hfs+', 'diskutil erasevolume'],
    ['apfs', 'diskutil apfs'],
  ] as const)('formatting as %s fails: the device is detached again', async (filesystem, step) => {
    failWith(step, 'Error: -69877: Could not open the disk\n')
    const outcome = await disk.mount(spec({ filesystem }))
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('-69877') })
    expect(mac.read().images).toEqual([])
  })

  it('formatting and rolling back fail: says which device still holds its memory', async () => {
    failWith('diskutil erasevolume', 'Error: -69877: Could not open the disk\n')
    failWith('hdiutil detach', 'hdiutil: detach failed - Internal error\n')
    const outcome = await disk.mount(spec())
    expect(outcome).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('hdiutil detach -force /dev/disk4'),
    })
  })

  it('the volume does not come up: the device is detached again', async () => {
    mac.change((state) => {
      state.failing['diskutil erasevolume'] = { exitCode: 0, stdout: 'Finished erase on disk4\n', stderr: '' }
    })
    expect(await disk.mount(spec())).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('not mounted'),
    })
    expect(mac.read().images).toEqual([])
  })

  it.each(['diskutil unmount', 'diskutil mount'])(
    '%s fails: no disk and no folder are left',
    async (step) => {
      failWith(step, 'Unmount failed\n')
      const elsewhere = spec({ mountPoint: join(mac.folder, 'builds') })
      expect(await disk.mount(elsewhere)).toMatchObject({
        kind: 'failed',
        reason: expect.stringContaining(step),
      })
      expect(mac.read().images).toEqual([])
      expect(existsSync(elsewhere.mountPoint)).toBe(false)
    },
  )

  it('comes up as "NAME 1": fails, says so, and leaves no disk', async () => {
    const clash = `${spec().mountPoint} 1`
    mac.change((state) => {
      state.failing['diskutil erasevolume'] = { exitCode: 0, stdout: '', stderr: '' }
      const volume = {
        device: '/dev/disk4',
        name: 'OptaBuilds',
        filesystem: 'hfs' as const,
        mountPoint: clash,
        owners: false,
      }
      state.failing['hdiutil attach'] = { exitCode: 0, stdout: '/dev/disk4          \t   \t\n', stderr: '' }
      state.images.push({
        imagePath: 'ram://134217728',
        device: '/dev/disk4',
        helperPid: 4242,
        volumes: [volume],
      })
    })
    mkdirSync(clash)
    const outcome = await disk.mount(spec())
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining(clash) })
    expect(mac.read().images).toEqual([])
  })

  it('notes nothing about a volume that comes up with owners', async () => {
    const run: typeof mac.run = async (argv, options) => {
      const result = await mac.run(argv, options)
      return argv[0] === 'mount' && result.kind === 'exited'
        ? { ...result, stdout: result.stdout.replaceAll(', noowners', '') }
        : result
    }
    const outcome = await createDarwinRamDisk({ run, volumesFolder: mac.volumesFolder }).mount(spec())
    expect(outcome).toEqual({ kind: 'mounted', already: false, note: null })
  })

  const refuseUse = async (): Promise<void> => {
    throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' })
  }

  it('is taken back when macOS does not let this process use it, with what to allow', async () => {
    const closed = createDarwinRamDisk({
      run: mac.run,
      volumesFolder: mac.volumesFolder,
      tryVolume: refuseUse,
    })
    const refusal = {
      kind: 'failed',
      reason: expect.stringContaining('Allow full disk access for remote users'),
    }
    expect(await closed.mount(spec())).toMatchObject(refusal)
    expect(mac.read().images).toEqual([])
    // One that another core mounted is left as it is.
    await disk.mount(spec())
    expect(await closed.mount(spec())).toMatchObject(refusal)
    expect(mac.read().images).toHaveLength(1)
  })

  it('is mounted although it is full, or open to its owner alone', async () => {
    for (const code of ['ENOSPC', 'EACCES']) {
      const tryVolume = async () => {
        throw Object.assign(new Error(code), { code })
      }
      const full = createDarwinRamDisk({ run: mac.run, volumesFolder: mac.volumesFolder, tryVolume })
      expect(await full.mount(spec())).toMatchObject({ kind: 'mounted' })
    }
  })

  it('leaves nothing of the file that it is tried with', async () => {
    await disk.mount(spec())
    expect(readdirSync(spec().mountPoint).filter((name) => name.includes('access'))).toEqual([])
  })

  it('removes an empty folder that would push the volume to "NAME 1"', async () => {
    mkdirSync(spec().mountPoint)
    expect(await disk.mount(spec())).toMatchObject({ kind: 'mounted', already: false })
    expect(await disk.read(spec())).toMatchObject({ mounted: true })
  })

  it('refuses a plain folder with files before it attaches anything', async () => {
    mkdirSync(spec().mountPoint)
    writeFileSync(join(spec().mountPoint, 'target'), '')
    const outcome = await disk.mount(spec())
    expect(outcome).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('silently go to the disk'),
    })
    expect(journal()).toEqual([])
  })

  it('does not touch a disk at the mount point that is not a RAM disk', async () => {
    mac.change((state) => {
      state.otherMounts = [`/dev/disk9s2 on ${spec().mountPoint} (hfs, local, journaled)`]
    })
    expect(await disk.read(spec())).toMatchObject({ mounted: false, kind: null })
    expect(await disk.mount(spec())).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('/dev/disk9s2'),
    })
    const ejected = await disk.eject(spec(), { force: true })
    expect(ejected).toMatchObject({ kind: 'failed', reason: expect.stringContaining('left alone') })
    expect(journal()).toEqual([])
  })

  it('refuses a RAM disk of another size and says both sizes', async () => {
    await disk.mount(spec({ sizeBytes: GiB }))
    const outcome = await disk.mount(spec())
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/1024 MiB.*65536 MiB/) })
  })

  it.each(['', 'garbage\n', 'images : 3\n'])('does nothing when hdiutil info prints %j', async (stdout) => {
    mac.change((state) => {
      state.failing['hdiutil info'] = { exitCode: 0, stdout, stderr: '' }
    })
    expect(await disk.mount(spec())).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('understood'),
    })
    expect(await disk.eject(spec(), { force: true })).toMatchObject({ kind: 'failed' })
    expect(journal()).toEqual([])
  })

  const another = 'image-path      : /x/y.asif\n/dev/disc9\tnew form\n'
  /** hdiutil info as the pretended Mac prints it, with one more image that is not understood, or in place of all others. */
  const createBeside = (text: (info: string) => string) =>
    createDarwinRamDisk({
      run: async (argv, options) => {
        const result = await mac.run(argv, options)
        return argv[1] === 'info' && result.kind === 'exited'
          ? { ...result, stdout: text(result.stdout) }
          : result
      },
      volumesFolder: mac.volumesFolder,
    })

  it('makes and ejects its disk beside an image that is not understood', async () => {
    const beside = createBeside((info) => `${info}${'='.repeat(48)}\n${another}`)
    expect(await beside.mount(spec())).toMatchObject({ kind: 'mounted', already: false })
    expect(await beside.read(spec())).toMatchObject({ mounted: true })
    expect(await beside.mount(spec())).toMatchObject({ kind: 'mounted', already: true })
    expect(await beside.eject(spec(), { force: false })).toEqual({ kind: 'done' })
    expect(mac.read().images).toEqual([])
  })

  it('refuses when what is mounted there may be the image that is not understood', async () => {
    await disk.mount(spec())
    await mac.run(['hdiutil', 'attach', '-nomount', 'ram://2048'])
    // The first image, which is ours, is unreadable; the other one is understood.
    const doubtful = createBeside((info) => info.replace('image-path', 'image-url '))
    expect(await doubtful.mount(spec())).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('/dev/disk4'),
    })
    expect(await doubtful.eject(spec(), { force: true })).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('unknown'),
    })
    await expect(doubtful.read(spec())).rejects.toThrow('unknown')
    expect(mac.read().images).toHaveLength(2)
  })

  it('does nothing when the mount table is not understood', async () => {
    mac.change((state) => {
      state.replies['mount'] = { exitCode: 0, stdout: 'something else\n', stderr: '' }
    })
    await expect(disk.mount(spec())).rejects.toThrow('not understood')
    await expect(disk.read(spec())).rejects.toThrow('not understood')
  })

  it('takes its disk back when the mount table stops being understood half-way', async () => {
    let isFormatted = false
    const run: typeof mac.run = async (argv) => {
      isFormatted ||= argv[1] === 'erasevolume'
      const garbled = isFormatted && argv[0] === 'mount'
      return garbled ? { kind: 'exited', exitCode: 0, stdout: '?', stderr: '' } : await mac.run(argv)
    }
    const outcome = await createDarwinRamDisk({ run, volumesFolder: mac.volumesFolder }).mount(spec())
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('understood') })
    expect(mac.read().images).toEqual([])
  })

  it('does not believe a detach that left the mount', async () => {
    await disk.mount(spec())
    mac.change((state) => {
      state.failing['hdiutil detach'] = { exitCode: 0, stdout: '"disk4" ejected.\n', stderr: '' }
    })
    expect(await disk.eject(spec(), { force: false })).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('still in the mount table'),
    })
  })
})
