import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { describeCommand, maxCommandLength } from './describe-command.ts'
import {
  createLinuxProcessTable,
  isAlive,
  parseCmdline,
  parseListeners,
  parseProcStat,
  readLinuxPortOwner,
} from './linux-processes.ts'
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

const statLine = (comm: string, state = 'S', threads = 3) =>
  `4711 (${comm}) ${state} 1 4700 4700 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 ${threads} 0 987654 1000 200 18446744073709551615`

describe('parseProcStat', () => {
  it('reads pid, name, state, group and start ticks', () => {
    expect(parseProcStat(statLine('llama-server'))).toEqual({
      pid: 4711,
      comm: 'llama-server',
      state: 'S',
      groupId: 4700,
      threads: 3,
      startTicks: '987654',
    })
  })

  it.each(['a b', 'tricky) R 1 1 1 1', ') Z (', '((', 'two\nlines'])(
    'counts from the last bracket of the name %j',
    (comm) => {
      expect(parseProcStat(statLine(comm))).toMatchObject({
        comm,
        state: 'S',
        groupId: 4700,
        startTicks: '987654',
      })
    },
  )

  it.each([
    '',
    ' ',
    '()',
    '4711',
    '4711 (x',
    '4711 (x) S 1',
    'x (y) S 1 2 3',
    statLine('x').replace('987654', '-5'),
  ])('answers null for %j', (text) => {
    expect(parseProcStat(text)).toBeNull()
  })

  it('reads no number that is none: digits without end are Infinity', () => {
    expect(parseProcStat(statLine('x').replace(/^\d+/, '5'.repeat(400)))).toBeNull()
  })

  it('stands a megabyte of rubbish', () => {
    expect(parseProcStat('('.repeat(1_000_000))).toBeNull()
  })

  it.each([
    ['R', 3, true],
    ['D', 3, true],
    ['T', 3, true],
    ['Z', 1, false],
    // Its first thread ended, others have not yet.
    ['Z', 2, true],
    ['X', 3, false],
  ])('state %s with %d threads: alive is %s', (state, threads, alive) => {
    const stat = parseProcStat(statLine('x', state, threads))
    expect(stat !== null && isAlive(stat)).toBe(alive)
  })
})

describe('parseCmdline', () => {
  it('splits at NUL and keeps blanks and empty arguments', () => {
    expect(parseCmdline('/a b/c\0--x\0\0y z\0')).toEqual(['/a b/c', '--x', '', 'y z'])
  })
  it('keeps one empty last argument', () => {
    expect(parseCmdline('prog\0\0')).toEqual(['prog', ''])
  })
  it('drops the padding of a rewritten title', () => {
    expect(parseCmdline(`nginx: master process${'\0'.repeat(60)}`)).toEqual(['nginx: master process'])
  })
  it('reads a title without any NUL', () => {
    expect(parseCmdline('worker [3]')).toEqual(['worker [3]'])
  })
  it.each(['', '\0', '\0\0\0'])('answers null for %j (kernel threads have none)', (text) => {
    expect(parseCmdline(text)).toBeNull()
  })
})

describe('describeCommand', () => {
  it('joins argv, or falls back to the name, or to null', () => {
    expect(describeCommand(['a', 'b c'], 'x')).toBe('a b c')
    expect(describeCommand(null, 'x')).toBe('x')
    expect(describeCommand(null, null)).toBeNull()
  })
  it('lets no control character through and cuts what is long', () => {
    expect(describeCommand(['a\u001b[31mb', '\r\nc'], null)).toBe('a [31mb   c'.replace('   ', '  '))
    const cut = describeCommand(['x'.repeat(5000)], null)
    expect(cut).toHaveLength(maxCommandLength)
    expect(cut?.endsWith('…')).toBe(true)
  })
})

// Own sample with made-up numbers, in the format of proc_net(5).
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 55501 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1001        0 55502 1 0000000000000000 20 4 30 10 -1
   2: 00000000:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 55503 1 0000000000000000 100 0 0 10 0
`
const table6 =
  '   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 55504 1 0 100 0 0 10 0'

describe('parseListeners', () => {
  it('takes only listening sockets of the port', () => {
    expect(parseListeners(table, 8080)).toEqual([{ inode: '55501', uid: 1001 }])
    expect(parseListeners(table, 4000)).toEqual([{ inode: '55503', uid: 0 }])
    expect(parseListeners(table, 54321)).toEqual([])
  })
  it('reads IPv6', () => {
    expect(parseListeners(table6, 8080)).toEqual([{ inode: '55504', uid: 0 }])
  })
  it.each([
    '',
    'rubbish',
    ':1F90',
    '0: 0100007F:1F90',
    '0: 0100007F:1F90 x 0A y z',
    `${'A '.repeat(100_000)}`,
    `0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 ${'1'.repeat(400)} 0 55501`,
  ])('skips what is not such a table', (text) => {
    expect(parseListeners(text, 8080)).toEqual([])
  })
})

const listen = `require('node:net').createServer().listen(Number(process.argv[1]), process.argv[2], () => console.log('up'))`

const isRoot = process.getuid?.() === 0

describe.skipIf(process.platform !== 'linux')('port owners on this machine (Linux only)', () => {
  it.each([
    [18140, '127.0.0.1'],
    [18141, '0.0.0.0'],
    [18142, '::'],
  ])('names the child that listens on port %i of %s', async (port, address) => {
    const child = await startTestChild(process.execPath, ['-e', listen, String(port), address])
    onTestFinished(() => child.end())
    const owner = await readLinuxPortOwner(port)
    expect(owner?.pid).toBe(child.pid)
    expect(owner?.command?.startsWith(process.execPath)).toBe(true)
    expect(owner?.user).toBe(userInfo().username)
  })

  it('names the parent, not the worker that inherited the socket', async () => {
    const script = `import os, socket, time
listener = socket.create_server(('127.0.0.1', 18143))
worker = os.fork()
if worker == 0: time.sleep(300)
print(worker, flush=True)
time.sleep(300)`
    const parent = await startTestChild('python3', ['-c', script])
    const worker = Number(parent.firstLine)
    onTestFinished(async () => {
      process.kill(worker, 'SIGKILL')
      await parent.end()
    })
    expect((await readLinuxPortOwner(18143))?.pid).toBe(parent.pid)
  })

  it('answers null for a port without a listener', async () => {
    expect(await readLinuxPortOwner(18144)).toBeNull()
  })

  it.skipIf(!isRoot)(
    'tells only the user where the open files may not be listed (needs root to try)',
    async () => {
      const child = await startTestChild(process.execPath, ['-e', listen, '18145', '127.0.0.1'])
      onTestFinished(() => child.end())
      process.seteuid?.(65_534)
      onTestFinished(() => process.seteuid?.(0))
      expect(await readLinuxPortOwner(18145)).toEqual({ pid: null, command: null, user: 'root' })
    },
  )

  it('sees our own listener too', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(18146, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    expect((await readLinuxPortOwner(18146))?.pid).toBe(process.pid)
  })
})
