import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createDarwinProcessTable,
  decodeHexEscapes,
  listensOn,
  parseGroupLines,
  parseLsofFields,
  parseNetstatListens,
  parsePsLines,
} from './darwin-processes.ts'
import { runsArgv } from './platform.ts'
import { createTestMac } from './test-support/mac.ts'
import { hasRecordings, readRecording } from './test-support/recordings.ts'

// Own samples with made-up numbers, in the formats of ps, lsof -F and netstat on macOS.
const psLine = '  811 Ss   Tue Sep  2 10:15:30 2025     /opt/my server/bin --alias a  b'
const lsof =
  'p812\ncPython\nLana\nf7\nn*:4000\nf8\nn*:4000\np811\ncllama-server\nLana\nf3\nn127.0.0.1:8080\nf9\nn127.0.0.1:8080->127.0.0.1:50000\n'
const netstat = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  127.0.0.1.50000        127.0.0.1.8080         ESTABLISHED
tcp4       0      0  *.8080                 *.*                    LISTEN
tcp6       0      0  ::1.4000               *.*                    LISTEN
`

describe('parsePsLines', () => {
  it('reads pid, start and command, blanks in the command as they are', () => {
    expect(parsePsLines(`${psLine}\n`)).toEqual([
      {
        pid: 811,
        isAlive: true,
        startedAt: 'Tue Sep 2 10:15:30 2025',
        command: '/opt/my server/bin --alias a  b',
      },
    ])
  })
  it('knows a zombie, and a process without a command', () => {
    expect(parsePsLines('1 Z+ Tue Sep 12 10:15:30 2025 (sh)')[0]?.isAlive).toBe(false)
    expect(parsePsLines('2 S Tue Sep 12 10:15:30 2025    ')[0]?.command).toBe('')
  })
  it.each([
    '',
    'PID STAT STARTED COMMAND',
    '811 Ss mar 2 sep 10:15:30 2025 x',
    '811 Ss',
    'x'.repeat(500_000),
  ])('skips what is not such a line', (text) => {
    expect(parsePsLines(text)).toEqual([])
  })
  it('reads group lines', () => {
    expect(parseGroupLines('  811   800 Ss\n  812   800 Z\nrubbish\n')).toEqual([
      { pid: 811, groupId: 800, isAlive: true },
      { pid: 812, groupId: 800, isAlive: false },
    ])
  })
})

describe('lsof and netstat', () => {
  it('keeps processes and their sockets apart', () => {
    const found = parseLsofFields(lsof)
    expect(found.map((process) => [process.pid, process.command, process.user])).toEqual([
      [812, 'Python', 'ana'],
      [811, 'llama-server', 'ana'],
    ])
    expect(found.map((process) => listensOn(process, 8080))).toEqual([false, true])
    expect(found.map((process) => listensOn(process, 80))).toEqual([false, false])
    expect(found.map((process) => listensOn(process, 50_000))).toEqual([false, false])
  })
  it.each(['', 'cfoo\nn*:8080\n', 'pabc\nn*:8080\n', 'COMMAND PID USER\n'])(
    'finds no listener in %j',
    (text) => {
      expect(parseLsofFields(text).filter((process) => listensOn(process, 8080))).toEqual([])
    },
  )
  it('decodes the blanks and letters that lsof escapes', () => {
    expect(decodeHexEscapes('Photo\\x20App \\xc3\\xbc \\x')).toBe('Photo App ü \\x')
    const [found] = parseLsofFields(
      'p7\ncPhoto\\x20App\nLj\\xc3\\xbcrgen\nf3\nn/Volumes/B/M\\xc3\\xbcll a\\tb\n',
    )
    expect(found).toEqual({ pid: 7, command: 'Photo App', user: 'jürgen', names: ['/Volumes/B/Müll a b'] })
    expect(
      parseLsofFields('p7\r\ncx\r\nLana\r\nn*:8080\r\n').filter((one) => listensOn(one, 8080)),
    ).toHaveLength(1)
  })
  it('sees listeners in netstat only by their own port', () => {
    expect([8080, 4000, 50_000, 80].map((port) => parseNetstatListens(netstat, port))).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(parseNetstatListens('', 8080)).toBe(false)
  })
})

describe('processes of a pretended Mac', () => {
  const macWith = (replies: Record<string, string>) => {
    const mac = createTestMac({ executables: true })
    onTestFinished(() => mac.remove())
    mac.change((state) => {
      // lsof exits 1 also with a part found.
      for (const [command, stdout] of Object.entries(replies))
        state.replies[command] = { exitCode: 1, stdout, stderr: '' }
    })
    return { mac, processes: createDarwinProcessTable(mac.run) }
  }

  it('are identified by pid and start, with the argv that ps can tell', async () => {
    const { mac, processes } = macWith({ ps: `${psLine}\n` })
    expect(await processes.readIdentity(811)).toEqual({ pid: 811, startedAt: 'Tue Sep 2 10:15:30 2025' })
    const argv = await processes.readArgv(811)
    expect(runsArgv(argv ?? [], ['/opt/my server/bin', '--alias', 'a  b'])).toBe(true)
    expect(runsArgv(argv ?? [], ['/opt/my server/bin', '--alias', 'a b'])).toBe(false)
    expect(runsArgv(['python3', ...(argv ?? [])], ['/opt/my server/bin', '--alias', 'a  b'])).toBe(true)
    expect(runsArgv(argv ?? [], ['opt/my server/bin', '--alias', 'a  b'])).toBe(false)
    expect(mac.journal()[0]).toBe('ps -ww -o pid= -o stat= -o lstart= -o command= -p 811')
  })

  it('are ours under the name that the Python of a framework gives itself', () => {
    const expected = ['/x/litellm/bin/python3', '-I', '-u', '/a b/opta_litellm.py', '--port', '4000']
    const python = '/opt/Python.framework/Versions/3.13/Resources/Python.app/Contents/MacOS/Python'
    const runs = (text: string) => runsArgv(text.split(' '), expected)
    expect(runs(`${python} -I -u /a b/opta_litellm.py --port 4000`)).toBe(true)
    expect(runs(`${python} -I -u /a b/opta_litellm.py --port 4001`)).toBe(false)
    expect(runs(`${python} -I -u /c/opta_litellm.py --port 4000`)).toBe(false)
    expect(runs('/opt/bin/ruby -I -u /a b/opta_litellm.py --port 4000')).toBe(false)
    expect(runsArgv(`${python} --port 4000`.split(' '), ['/x/llama-server', '--port', '4000'])).toBe(false)
    expect(runsArgv([python], ['/x/bin/python3'])).toBe(false)
  })

  it('are not gone because ps speaks another language: then it is not known', async () => {
    const { processes } = macWith({ ps: '  811 Ss   mar.  2 sept. 10:15:30 2025     /opt/bin/x\n' })
    await expect(processes.readIdentity(811)).rejects.toThrow('not understood')
    await expect(processes.readGroupMembers(800)).rejects.toThrow('not understood')
  })

  it('are null when ps names another pid, a zombie, or nothing', async () => {
    expect(await macWith({ ps: psLine }).processes.readIdentity(812)).toBeNull()
    expect(await macWith({ ps: psLine.replace('Ss', 'Z ') }).processes.readIdentity(811)).toBeNull()
    expect(await macWith({ ps: '' }).processes.readArgv(811)).toBeNull()
    expect(await macWith({}).processes.readIdentity(-1)).toBeNull()
  })

  it('are listed by group, without zombies', async () => {
    const { processes } = macWith({ ps: '  811   800 Ss\n  812   800 Z\n  813   801 S\n' })
    expect(await processes.readGroupMembers(800)).toEqual([811])
  })

  it('own ports: the oldest holder is named', async () => {
    const both = 'p900\ncpython3.11\nLana\nf3\nn*:4000\np899\ncpython3.11\nLana\nf3\nn*:4000\n'
    const ps =
      '  899 S    Tue Sep  2 10:15:31 2025     worker\n  900 Ss   Tue Sep  2 10:15:30 2025     litellm --port 4000\n'
    const { processes } = macWith({ lsof: both, ps })
    expect(await processes.readPortOwner(4000)).toEqual({
      pid: 900,
      command: 'litellm --port 4000',
      user: 'ana',
    })
  })

  it('own ports: the short name of lsof when ps says nothing', async () => {
    const { processes } = macWith({ lsof })
    expect(await processes.readPortOwner(8080)).toEqual({ pid: 811, command: 'llama-server', user: 'ana' })
  })

  it('are known by letters beyond ASCII, which ps writes in another way', async () => {
    const mac = createTestMac({ executables: false })
    onTestFinished(() => mac.remove())
    const argv = ['/Volumes/Büro à 漢字😀/llama-server', '-m', '/Volumes/LLM-Çelik/é M-C.gguf']
    const pid = 811
    mac.change((state) => {
      state.processes = [
        {
          pid,
          parentPid: 1,
          groupId: pid,
          state: 'S',
          startedAtMs: 0,
          residentKibibytes: 1,
          path: argv[0] ?? '',
          command: argv.join(' '),
        },
      ]
    })
    const said = await mac.run(['ps', '-o', 'command=', '-p', '811'])
    expect(said).toMatchObject({ stdout: expect.stringContaining('/Volumes/BM-CM-<ro M-C\\240 ') })
    const read = await createDarwinProcessTable(mac.run).readArgv(pid)
    expect(read?.join(' ')).toBe(argv.join(' '))
    expect(runsArgv(read ?? [], argv)).toBe(true)
  })

  it('are not gone because ps could not run: it is asked again, and then it is not known', async () => {
    const asked: string[] = []
    const processes = (failures: number) =>
      createDarwinProcessTable(async ([file]) => {
        asked.push(file)
        return asked.length <= failures
          ? { kind: 'not-run', reason: 'ps did not answer within 10000 ms' }
          : { kind: 'exited', exitCode: 0, stdout: `${psLine}\n`, stderr: '' }
      })
    expect(await processes(2).readIdentity(811)).toMatchObject({ pid: 811 })
    asked.length = 0
    await expect(processes(9).readIdentity(811)).rejects.toThrow(
      'could not read the process list: ps did not answer',
    )
    await expect(processes(99).readGroupMembers(811)).rejects.toThrow('could not read the process list')
  })

  it('own ports although lsof sees no process: root holds it, so only that it is taken is known', async () => {
    const { processes } = macWith({ lsof: '', netstat })
    expect(await processes.readPortOwner(8080)).toEqual({ pid: null, command: null, user: null })
    expect(await processes.readPortOwner(8081)).toBeNull()
  })
})

describe.skipIf(!hasRecordings)(
  'recorded ps, lsof and netstat (skipped where the recordings are absent)',
  () => {
    it('reads lstart as ps prints it', () => {
      const recorded = readRecording('ps/lstart-n-command.txt').split('\n')[1] ?? ''
      // The recording was made without the stat column.
      const line = recorded.replace(/^(\s*[0-9]+) /, '$1 Ss ')
      expect(parsePsLines(line)).toMatchObject([{ pid: 34_474, startedAt: 'Mon Sep 21 20:04:00 2026' }])
      expect(parsePsLines(line)[0]?.command.startsWith('anvil --fork-url')).toBe(true)
    })
    it('reads lsof -F with its unasked f lines', () => {
      const found = parseLsofFields(readRecording('lsof/fields-pcn-iTCP-2026.txt'))
      expect(found.filter((process) => listensOn(process, 8080)).map((process) => process.pid)).toEqual([832])
      expect(found.map((process) => process.command)).toEqual(['cproxy', 'claude.ex', 'zoom.us'])
    })
    it('reads listeners of every user from netstat', () => {
      const text = readRecording('netstat/an-p-tcp-macos26.6.2.txt')
      const taken = [22, 88, 631, 8770, 11_434, 49_153].map((port) => parseNetstatListens(text, port))
      expect(taken).toEqual([true, true, true, true, true, true])
      expect([443, 50_861, 62_875, 4, 43].map((port) => parseNetstatListens(text, port))).not.toContain(true)
    })
  },
)
