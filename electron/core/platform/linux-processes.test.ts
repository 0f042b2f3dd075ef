import { describe, expect, it, onTestFinished } from 'vitest'
import { createLinuxProcessTable } from './linux-processes.ts'
import { startSleeper, startTestChild } from './test-child.ts'

const isLinux = process.platform === 'linux'
const processes = createLinuxProcessTable()

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

  it('tells a process from an earlier one with the same pid by its start, down to the boot', async () => {
    const identity = await processes.readIdentity(process.pid)
    expect(identity?.startedAt).toMatch(/^[0-9]+@[0-9a-f-]{36}$/)
    const stale = { pid: process.pid, startedAt: identity?.startedAt.replace(/^[0-9]+/, '1') }
    expect(identity).not.toEqual(stale)
  })

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
    process.kill(zombie, 'SIGKILL')
    await expect.poll(() => processes.readIdentity(zombie)).toBeNull()
    expect(() => process.kill(zombie, 0)).not.toThrow()
    expect(await processes.readArgv(zombie)).toBeNull()
    expect(await processes.readGroupMembers(parent.pid)).toEqual([parent.pid])
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
