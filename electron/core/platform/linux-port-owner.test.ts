import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseListeners, readLinuxPortOwner } from './linux-port-owner.ts'
import { startTestChild } from './test-support/child.ts'

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
