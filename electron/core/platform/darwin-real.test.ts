// The darwin provider on the real commands of a Mac. Skipped elsewhere: written without a Mac, so a first failure here may
// be the test's own (issue 11).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createDarwinPlatform } from './darwin-platform.ts'
import type { RamDiskSpec } from './platform.ts'

const MiB = 1_048_576
const platform = createDarwinPlatform()
/** The smallest disk that HFS+ formats without a word. Its name is no user's. */
const spec = (filesystem: RamDiskSpec['filesystem'] = 'hfs+'): RamDiskSpec => ({
  volumeName: `OptaTest${process.pid}`,
  sizeBytes: 16 * MiB,
  mountPoint: platform.ramDisk.defaultMountPoint(`OptaTest${process.pid}`),
  filesystem,
})

describe.skipIf(process.platform !== 'darwin')('on a real Mac (skipped elsewhere)', () => {
  let holder: ChildProcess | null = null
  afterEach(async () => {
    holder?.kill('SIGKILL')
    holder = null
    await platform.ramDisk.eject(spec(), { force: true })
  })

  it.each(['hfs+', 'apfs'] as const)('mounts a RAM disk with %s and gives it back', async (filesystem) => {
    const disk = platform.ramDisk
    expect(await disk.mount(spec(filesystem))).toMatchObject({ kind: 'mounted', already: false })
    expect(await disk.read(spec(filesystem))).toMatchObject({ mounted: true, kind: filesystem })
    writeFileSync(join(spec().mountPoint, 'object.o'), Buffer.alloc(MiB))
    expect(statSync(spec().mountPoint).mode & 0o7777).toBe(0o1777)
    expect(await disk.mount(spec(filesystem))).toMatchObject({ kind: 'mounted', already: true })
    expect(await disk.readBacking(spec(filesystem))).not.toBeNull()
    expect(await disk.eject(spec(filesystem), { force: false })).toEqual({ kind: 'done' })
    expect(existsSync(spec().mountPoint)).toBe(false)
    expect(await disk.eject(spec(filesystem), { force: false })).toEqual({ kind: 'not-mounted' })
  })

  it('names the process that keeps the disk busy, and ejects it by force', async () => {
    const disk = platform.ramDisk
    await disk.mount(spec())
    const path = join(spec().mountPoint, 'held')
    holder = spawn(
      process.execPath,
      [
        '-e',
        `require('fs').openSync(${JSON.stringify(path)}, 'w'); console.log('open'); setInterval(() => {}, 1000)`,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    if (holder.stdout !== null) await once(holder.stdout, 'data')
    expect(await disk.eject(spec(), { force: false })).toMatchObject({
      kind: 'busy',
      holders: [expect.objectContaining({ pid: holder.pid })],
    })
    expect(await disk.eject(spec(), { force: true })).toEqual({ kind: 'done' })
  })

  it('reads the memory without a gap', async () => {
    const read = platform.createMemoryReader()
    await read()
    const memory = await read()
    expect(memory.totalBytes).toBe(totalmem())
    // The GPU's limit is llama-server's to tell where no sysctl sets one.
    const { gpuLimitBytes: _, ...known } = memory
    expect(Object.entries(known).filter(([, value]) => value === null)).toEqual([])
  })

  it('knows this very process, its command line and its port', async () => {
    const identity = await platform.processes.readIdentity(process.pid)
    expect(identity).toMatchObject({ pid: process.pid, startedAt: expect.stringMatching(/\d{4}/) })
    expect((await platform.processes.readArgv(process.pid))?.join(' ')).toContain('node')
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await platform.processes.readPortOwner(port)).toMatchObject({ pid: process.pid })
    await new Promise((resolve) => server.close(resolve))
    expect(await platform.processes.readPortOwner(port)).toBeNull()
  })

  it('finds addresses of the LAN or says that there are none', async () => {
    for (const address of await platform.readLanAddresses()) expect(address).toMatch(/^\d+(\.\d+){3}$/)
  })
})
