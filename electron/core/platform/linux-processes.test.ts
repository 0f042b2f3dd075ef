import { spawnSync } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLinuxProcessTable } from './linux-processes.ts'
import { startSleeper, startTestChild } from './test-support/child.ts'

const isLinux = process.platform === 'linux'
const processes = createLinuxProcessTable()

/** Runs in a pid namespace of its own, where the next pid can be chosen and no other process takes it. */
const pidReuse = `
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
const { createLinuxProcessTable } = await import(process.argv[1])
const processes = createLinuxProcessTable()
const first = spawn('sleep', ['300'])
const earlier = await processes.readIdentity(first.pid)
first.kill('SIGKILL')
await once(first, 'exit')
await new Promise((resolve) => setTimeout(resolve, 50)) // Start times differ by clock ticks of 10 ms.
writeFileSync('/proc/sys/kernel/ns_last_pid', String(first.pid - 1))
const second = spawn('sleep', ['300'])
console.log(JSON.stringify([earlier, await processes.readIdentity(second.pid)]))
`
const canReusePids =
  isLinux &&
  spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'test', '-w', '/proc/sys/kernel/ns_last_pid'])
    .status === 0

const sleeper = async (...args: Parameters<typeof startSleeper>) => {
  const child = await startSleeper(...args)
  onTestFinished(() => child.end())
  return child
}

describe.skipIf(!isLinux)('processes of this machine (Linux only)', () => {
  it('gives the same identity to the same process, and another to another', async () => {
    const one = await sleeper()
    const identity = await processes.readIdentity(one.pid)
    expect(identity?.pid).toBe(one.pid)
    expect(await processes.readIdentity(one.pid)).toEqual(identity)
    // Started before the child, by more than the clock tick that tells starts apart.
    expect((await processes.readIdentity(process.pid))?.startedAt).not.toBe(identity?.startedAt)
  })

  it('carries the boot in the identity: pid and ticks of a service repeat after a reboot', async () => {
    expect((await processes.readIdentity(process.pid))?.startedAt).toMatch(/^[0-9]+@[0-9a-f-]{36}$/)
  })

  it.skipIf(!canReusePids)(
    'tells two processes with the same pid apart (needs root and unshare)',
    async () => {
      const namespace = [
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        process.execPath,
        '--input-type=module',
        '-e',
      ]
      const module = new URL('./linux-processes.ts', import.meta.url).href
      const child = await startTestChild('unshare', [...namespace, pidReuse, module])
      onTestFinished(() => child.end())
      const [earlier, later] = JSON.parse(child.firstLine)
      expect(later.pid).toBe(earlier.pid)
      expect(later.startedAt).not.toBe(earlier.startedAt)
    },
  )

  it('knows nothing of a process that ended', async () => {
    const child = await startSleeper()
    await child.end()
    expect(await processes.readIdentity(child.pid)).toBeNull()
    expect(await processes.readArgv(child.pid)).toBeNull()
  })

  it('does not take a zombie for a process', async () => {
    // The shell becomes `sleep`, which never waits for the child it inherits: killed, that child stays a zombie.
    const parent = await startTestChild('/bin/sh', ['-c', 'sleep 300 & echo $!\nexec sleep 300'], {
      detached: true,
    })
    onTestFinished(() => parent.end())
    const zombie = Number(parent.firstLine)
    expect(await processes.readIdentity(zombie)).not.toBeNull()
    // Until then the shell might still reap it.
    await expect.poll(() => processes.readArgv(parent.pid)).toEqual(['sleep', '300'])
    process.kill(zombie, 'SIGKILL')
    await expect.poll(() => processes.readIdentity(zombie)).toBeNull()
    expect(() => process.kill(zombie, 0)).not.toThrow()
    expect(await processes.readArgv(zombie)).toBeNull()
    expect(await processes.readGroupMembers(parent.pid)).toEqual([parent.pid])
  })

  it('takes a process for alive whose first thread alone has ended: it still holds its port', async () => {
    const program = `import ctypes, socket, threading
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
main = threading.main_thread().native_id
def rest():
    while open(f'/proc/{main}/stat').read().rsplit(')', 1)[1].split()[0] != 'Z': pass
    print('zombie', flush=True)
    threading.Event().wait()
threading.Thread(target=rest).start()
ctypes.CDLL(None).pthread_exit(None)`
    const child = await startTestChild('python3', ['-c', program])
    onTestFinished(() => child.end())
    expect(child.firstLine).toBe('zombie')
    expect(await processes.readIdentity(child.pid)).not.toBeNull()
  })

  it('reads argv with blanks and empty arguments as they were given', async () => {
    const argv = ['-e', 'console.log("up"); setInterval(() => {}, 1e6)', '--', 'a  b', '', 'ü']
    const child = await startTestChild(process.execPath, argv)
    onTestFinished(() => child.end())
    expect(await processes.readArgv(child.pid)).toEqual([process.execPath, ...argv])
  })

  it('lists the members of a process group', async () => {
    const leader = await startTestChild('/bin/sh', ['-c', 'sleep 300 & echo $!\nwait'], { detached: true })
    const member = Number(leader.firstLine)
    onTestFinished(async () => {
      process.kill(member, 'SIGKILL')
      await leader.end()
    })
    const members = await processes.readGroupMembers(leader.pid)
    expect(members.toSorted()).toEqual([leader.pid, member].toSorted())
  })

  it('has no members for a group that does not exist', async () => {
    expect(await processes.readGroupMembers(2 ** 22 + 1)).toEqual([])
  })

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31])('has no identity for %s', async (pid) => {
    expect(await processes.readIdentity(pid)).toBeNull()
  })
})
