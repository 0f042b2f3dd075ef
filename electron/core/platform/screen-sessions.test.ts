import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLiveSession, parseScreenList } from './screen-sessions.ts'

// Own samples after the known format; made-up pids and names.
const two =
  'There are screens on:\r\n\t123.ai-engine\t(Detached)\r\n\t456.ttys001.host\t(Attached)\r\n2 Sockets in /x/.screen.\r\n'

describe('parseScreenList', () => {
  it('reads named and unnamed sessions, with CR LF', () => {
    expect(parseScreenList(two)).toEqual([
      { pid: 123, name: 'ai-engine', status: 'Detached' },
      { pid: 456, name: 'ttys001.host', status: 'Attached' },
    ])
  })

  it('keeps the status, even after a time, and recognizes dead sessions', () => {
    const list =
      'There are screens on:\n\t1.a\t(Dead ???)\n\t2.b\t(Remote or dead)\n\t3.c\t(Unreachable)\n\t4.d\t(09/21/26 20:04:00)\t(Multi, detached)\n'
    const sessions = parseScreenList(list) ?? []
    expect(sessions.map(({ status }) => status)).toEqual([
      'Dead ???',
      'Remote or dead',
      'Unreachable',
      'Multi, detached',
    ])
    expect(sessions.map(isLiveSession)).toEqual([false, false, false, true])
  })

  it('reads a name with blanks, and does not take its brackets for the status', () => {
    expect(
      parseScreenList('There is a screen on:\n\t7.my engine (old)\t(Detached)\n1 Socket in /x.\n'),
    ).toEqual([{ pid: 7, name: 'my engine (old)', status: 'Detached' }])
  })

  it.each(['No Sockets found in /x/.screen.\r\n\r\n', 'This room is empty (/x/.screen).\r\n'])(
    'knows that there is none: %j',
    (text) => expect(parseScreenList(text)).toEqual([]),
  )

  it.each([
    '',
    'command not found',
    '123.ai-engine',
    '\t12345678901234567890.ai-engine\t(Detached)\n',
    two.replace('456.ttys001.host', '456:ttys001.host'),
  ])('does not understand %j', (text) => expect(parseScreenList(text)).toBeNull())

  const folder = join(process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures', 'screen')
  describe.skipIf(!existsSync(folder))('recordings (skipped where the fixtures folder is absent)', () => {
    it.each([
      ['darwin18.7-none-room-empty.txt', []],
      ['darwin19.6-none.txt', []],
      ['macos-none-2026.txt', []],
      ['macos-attached-and-detached.txt', ['ttys012.new-frontier-8', 'test']],
      ['macos-named-two-detached-2026.txt', ['v60_autopilot_aa8abb7', 'v60_uplink_aa8abb7']],
    ])('%s', (file, names) => {
      const sessions = parseScreenList(readFileSync(join(folder, file), 'utf8'))
      expect(sessions?.map(({ name }) => name)).toEqual(names)
    })
  })
})
