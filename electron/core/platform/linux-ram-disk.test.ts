import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { RamDiskSchema } from '../../contract/snapshot.ts'
import { createLinuxRamDisk, type LinuxRamDiskOptions } from './linux-ram-disk.ts'
import { removeEmptyFolder } from './mount-point.ts'
import type { RamDiskSpec } from './platform.ts'
import { createCommandRunner } from './run-command.ts'
import { startSleeper, startTestChild, type TestChild } from './test-support/child.ts'

const MiB = 2 ** 20
const isLinux = process.platform === 'linux'
const run = createCommandRunner()

/** Tried once: root of a container often may not mount. */
const canMount = isLinux && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
const hasShm = isLinux && (await statfs('/dev/shm').catch(() => null))?.type === 0x01021994

let folder: string
const spec = (changes: Partial<RamDiskSpec> = {}): RamDiskSpec => ({
  volumeName: `NexusTest${process.pid}`,
  sizeBytes: 16 * MiB,
  mountPoint: join(folder, 'state dir', 'Forge'),
  filesystem: 'hfs+',
  ...changes,
})
const create = (options: Partial<LinuxRamDiskOptions> = {}) =>
  createLinuxRamDisk({ ramDiskRoot: folder, ...options })
const isMountedAt = async (path: string) =>
  (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${path.replaceAll(' ', '\\040')} `)

const sleeper = async (...args: Parameters<typeof startSleeper>): Promise<TestChild> => {
  const child = await startSleeper(...args)
  onTestFinished(() => child.end())
  return child
}

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'nexus-ram-')))
  onTestFinished(async () => {
    await create().eject(spec(), { force: true })
    await rm(folder, { recursive: true, force: true })
  })
})

describe('before anything is mounted', () => {
  it('puts each volume into its own folder of the root that it is given', () => {
    expect(create().defaultMountPoint('OptaBuilds')).toBe(join(folder, 'OptaBuilds'))
  })
})

describe.skipIf(!isLinux)('whatever may be mounted (Linux only)', () => {
  const readUnmounted = (mountPoint: string) => ({
    mountPoint,
    mounted: false,
    kind: null,
    totalBytes: null,
    usedBytes: null,
  })

  it('is not mounted when only the folder exists', async () => {
    await mkdir(spec().mountPoint, { recursive: true })
    expect(await create().read(spec())).toEqual(readUnmounted(spec().mountPoint))
    expect(await create().eject(spec(), { force: false })).toEqual({ kind: 'not-mounted' })
  })

  it('refuses a plain folder with files and says what would go wrong', async () => {
    await mkdir(spec().mountPoint, { recursive: true })
    await writeFile(join(spec().mountPoint, 'target.txt'), 'x')
    const outcome = await create().mount(spec())
    expect(outcome).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('silently go to the disk'),
    })
    expect(outcome).toMatchObject({ reason: expect.stringContaining('target.txt') })
    expect((await create().read(spec())).mounted).toBe(false)
  })

  it('refuses a file and a link to somewhere else', async () => {
    await mkdir(join(folder, 'elsewhere'))
    await writeFile(join(folder, 'file'), '')
    await symlink(join(folder, 'elsewhere'), join(folder, 'link'))
    const file = await create().mount(spec({ mountPoint: join(folder, 'file') }))
    expect(file).toMatchObject({ kind: 'failed', reason: expect.stringContaining('is a file') })
    const link = await create().mount(spec({ mountPoint: join(folder, 'link') }))
    expect(link).toMatchObject({ kind: 'failed', reason: expect.stringContaining('symbolic link') })
  })

  it('leaves another file system at the mount point alone', async () => {
    const outcome = await create().mount(spec({ mountPoint: '/proc' }))
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('proc') })
    expect(await create().read(spec({ mountPoint: '/proc' }))).toMatchObject({ mounted: false, kind: null })
    expect(await create().eject(spec({ mountPoint: '/proc' }), { force: true })).toMatchObject({
      kind: 'failed',
    })
    expect(existsSync('/proc/self')).toBe(true)
  })
})

describe.skipIf(!canMount)('a real tmpfs (needs root with the right to mount)', () => {
  it('mounts, reports its use, is idempotent, and leaves nothing behind', async () => {
    const disk = create()
    expect(await disk.mount(spec())).toEqual({ kind: 'mounted', already: false, note: null })
    expect(await isMountedAt(spec().mountPoint)).toBe(true)
    await writeFile(join(spec().mountPoint, 'object.o'), Buffer.alloc(4 * MiB))
    const read = RamDiskSchema.parse(await disk.read(spec()))
    expect(read).toMatchObject({ mounted: true, kind: 'tmpfs', totalBytes: 16 * MiB })
    expect(read.usedBytes).toBe(4 * MiB)
    expect((await lstat(spec().mountPoint)).mode & 0o7777).toBe(0o1777)
    expect(await disk.mount(spec())).toEqual({ kind: 'mounted', already: true, note: null })
    expect(await disk.eject(spec(), { force: false })).toEqual({ kind: 'done' })
    expect(existsSync(spec().mountPoint)).toBe(false)
    expect(await disk.eject(spec(), { force: false })).toEqual({ kind: 'not-mounted' })
  })

  it('mounts over an empty folder, through a link in the way there', async () => {
    await mkdir(spec().mountPoint, { recursive: true })
    await symlink(join(folder, 'state dir'), join(folder, 'way'))
    const through = spec({ mountPoint: `${join(folder, 'way', 'Forge')}/` })
    expect(await create().mount(through)).toMatchObject({ kind: 'mounted', already: false })
    expect(await create().read(spec())).toMatchObject({ mounted: true, kind: 'tmpfs' })
    expect(await create().mount(through)).toMatchObject({ kind: 'mounted', already: true })
  })

  it('enforces its size', async () => {
    await create().mount(spec())
    const write = writeFile(join(spec().mountPoint, 'big'), Buffer.alloc(17 * MiB))
    await expect(write).rejects.toThrow('ENOSPC')
  })

  it('takes a size that is not whole pages for the same disk the next time', async () => {
    const odd = spec({ sizeBytes: 16 * MiB + 1 })
    expect(await create().mount(odd)).toMatchObject({ already: false })
    expect(await create().mount(odd)).toMatchObject({ already: true })
  })

  it('says which size it found when another one is mounted, and keeps its content', async () => {
    await create().mount(spec())
    await writeFile(join(spec().mountPoint, 'kept'), 'x')
    const outcome = await create().mount(spec({ sizeBytes: 32 * MiB }))
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/16 MiB.*32 MiB/) })
    expect(existsSync(join(spec().mountPoint, 'kept'))).toBe(true)
  })

  const busyBy: readonly [string, (mountPoint: string) => Promise<TestChild>][] = [
    ['an open file', (at) => sleeper('exec 3>"$1/open file"', [at])],
    ['a deleted open file', (at) => sleeper('exec 3>"$1/gone"; rm "$1/gone"', [at])],
    ['its working folder', (at) => sleeper('', [], { cwd: at })],
  ]
  it.each(busyBy)(
    'names the process that keeps it busy by %s, and ejects once it has ended',
    async (_, hold) => {
      await create().mount(spec())
      const child = await hold(spec().mountPoint)
      const outcome = await create().eject(spec(), { force: false })
      expect(outcome).toMatchObject({
        kind: 'busy',
        holders: [{ pid: child.pid, command: 'sleep 300', user: 'root' }],
      })
      expect((await create().read(spec())).mounted).toBe(true)
      await child.end()
      expect(await create().eject(spec(), { force: false })).toEqual({ kind: 'done' })
    },
  )

  it('names the process that keeps it busy by running a program on it', async () => {
    await create().mount(spec())
    const program = join(spec().mountPoint, 'shell')
    await copyFile(await realpath('/bin/sh'), program)
    const child = await startTestChild(program, ['-c', 'echo ready; kill -STOP $$'])
    onTestFinished(() => child.end())
    const outcome = await create().eject(spec(), { force: false })
    expect(outcome).toMatchObject({ kind: 'busy', holders: [{ pid: child.pid }] })
  })

  it('names the process that keeps it busy by a library loaded from it', async () => {
    await create().mount(spec())
    const library = /\S+\/libm\.so\S*/.exec(await readFile('/proc/self/maps', 'utf8'))?.[0] ?? ''
    const copy = join(spec().mountPoint, 'libm.so')
    await copyFile(library, copy)
    const script = `import ctypes, sys, time; ctypes.CDLL(sys.argv[1]); print('ready', flush=True); time.sleep(300)`
    const child = await startTestChild('python3', ['-c', script, copy])
    onTestFinished(() => child.end())
    const outcome = await create().eject(spec(), { force: false })
    expect(outcome).toMatchObject({ kind: 'busy', holders: [{ pid: child.pid }] })
  })

  it('is taken away by force although a file is open, and its folder with it', async () => {
    await create().mount(spec())
    await sleeper('exec 3>"$1/open"', [spec().mountPoint])
    expect(await create().eject(spec(), { force: true })).toEqual({ kind: 'done' })
    expect(await isMountedAt(spec().mountPoint)).toBe(false)
    expect(existsSync(spec().mountPoint)).toBe(false)
  })

  it('names the file system inside it that keeps it busy', async () => {
    await create().mount(spec())
    const inner = join(spec().mountPoint, 'inner')
    await mkdir(inner)
    await run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', inner])
    const outcome = await create().eject(spec(), { force: false })
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining(inner) })
    expect(await create().eject(spec(), { force: true })).toEqual({ kind: 'done' })
    expect(await isMountedAt(inner)).toBe(false)
  })

  it('reports what mount said, and rolls the folder back', async () => {
    const outcome = await create().mount(spec({ sizeBytes: Number.NaN }))
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/^mount failed: .*mount/) })
    expect(existsSync(spec().mountPoint)).toBe(false)
  })

  it.skipIf(!hasShm)('uses the folder when root lacks the right to mount, as in a container', async () => {
    const disk = create({
      run: ([file, ...args]) => run(['setpriv', '--bounding-set=-sys_admin', file, ...args]),
    })
    const outcome = await disk.mount(spec())
    expect(outcome).toMatchObject({
      kind: 'mounted',
      already: false,
      note: expect.stringContaining('not allowed'),
    })
    expect(await disk.read(spec())).toMatchObject({ mounted: true, kind: 'shm-folder' })
  })
})

describe.skipIf(!hasShm)('a folder under /dev/shm (needs /dev/shm to be a tmpfs)', () => {
  const shm = (options: Partial<LinuxRamDiskOptions> = {}) => create({ mayMount: false, ...options })
  const mark = () => createHash('sha256').update(spec().mountPoint).digest('hex').slice(0, 8)
  const shmPath = () => join('/dev/shm', `opta-nexus-${process.getuid?.()}`, `${spec().volumeName}-${mark()}`)

  it('stands in for the mount, is shown as such, and leaves nothing behind', async () => {
    const outcome = await shm().mount(spec())
    expect(outcome).toMatchObject({
      kind: 'mounted',
      already: false,
      note: expect.stringContaining(shmPath()),
    })
    await writeFile(join(spec().mountPoint, 'object.o'), Buffer.alloc(MiB))
    expect(existsSync(join(shmPath(), 'object.o'))).toBe(true)
    const read = RamDiskSchema.parse(await shm().read(spec()))
    expect(read).toMatchObject({ mounted: true, kind: 'shm-folder' })
    expect(read.usedBytes).toBeGreaterThanOrEqual(MiB)
    expect(await shm().mount(spec())).toMatchObject({ kind: 'mounted', already: true })
    expect(await shm().eject(spec(), { force: false })).toEqual({ kind: 'done' })
    expect(existsSync(shmPath())).toBe(false)
    await expect(lstat(spec().mountPoint)).rejects.toThrow('ENOENT')
    expect(await shm().eject(spec(), { force: false })).toEqual({ kind: 'not-mounted' })
  })

  it('is not shared with a volume of the same name elsewhere', async () => {
    const other = spec({ mountPoint: join(folder, 'other state', 'Forge') })
    await shm().mount(spec())
    await shm().mount(other)
    await writeFile(join(spec().mountPoint, 'mine'), '')
    expect(await shm().eject(other, { force: true })).toEqual({ kind: 'done' })
    expect(existsSync(join(spec().mountPoint, 'mine'))).toBe(true)
  })

  it('says when /dev/shm has less room than wanted', async () => {
    const outcome = await shm().mount(spec({ sizeBytes: 2 ** 50 }))
    expect(outcome).toMatchObject({ kind: 'mounted', note: expect.stringContaining('are free, less than') })
  })

  it('names holders instead of ejecting, and obeys force', async () => {
    await shm().mount(spec())
    const child = await sleeper('exec 3>"$1/open"', [spec().mountPoint])
    const outcome = await shm().eject(spec(), { force: false })
    expect(outcome).toMatchObject({ kind: 'busy', holders: [{ pid: child.pid }] })
    expect(existsSync(join(shmPath(), 'open'))).toBe(true)
    expect(await shm().eject(spec(), { force: true })).toEqual({ kind: 'done' })
    expect(existsSync(shmPath())).toBe(false)
  })

  it('is not mounted when a reboot has emptied /dev/shm, and comes back on mount', async () => {
    await shm().mount(spec())
    await rm(shmPath(), { recursive: true })
    expect(await shm().read(spec())).toMatchObject({ mounted: false, kind: null })
    expect(await shm().mount(spec())).toMatchObject({ kind: 'mounted', already: false })
    expect(await shm().read(spec())).toMatchObject({ mounted: true, kind: 'shm-folder' })
  })

  it('clears away its dangling link on eject', async () => {
    await shm().mount(spec())
    await rm(shmPath(), { recursive: true })
    expect(await shm().eject(spec(), { force: false })).toEqual({ kind: 'not-mounted' })
    await expect(lstat(spec().mountPoint)).rejects.toThrow('ENOENT')
  })

  it('does not use what another user put at its place', async () => {
    await mkdir(join(folder, 'trap'))
    await mkdir(join(shmPath(), '..'), { recursive: true, mode: 0o700 })
    await symlink(join(folder, 'trap'), shmPath())
    onTestFinished(async () => {
      await rm(shmPath(), { force: true })
      await removeEmptyFolder(dirname(shmPath()))
    })
    const outcome = await shm().mount(spec())
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('another user') })
    expect((await shm().read(spec())).mounted).toBe(false)
  })

  it('fails where there is no memory-backed folder', async () => {
    const outcome = await shm({ shmRoot: folder }).mount(spec())
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('not a tmpfs') })
    expect(existsSync(spec().mountPoint)).toBe(false)
  })
})
