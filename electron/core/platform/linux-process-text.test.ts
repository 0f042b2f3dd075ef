import { describe, expect, it } from 'vitest'
import { describeCommand, maxCommandLength } from './describe-command.ts'
import { isAlive, parseCmdline, parseProcStat, parseUserName } from './linux-process-text.ts'

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

describe('parseUserName', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/bash\nbroken line\nana:x:1001:1001::/home/ana:/bin/sh\n'
  it('finds the name of a uid', () => {
    expect(parseUserName(passwd, 1001)).toBe('ana')
    expect(parseUserName(passwd, 0)).toBe('root')
  })
  it('answers null for one that is not listed', () => {
    expect(parseUserName(passwd, 100)).toBeNull()
    expect(parseUserName('', 0)).toBeNull()
  })
})
