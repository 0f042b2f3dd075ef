// `launchctl print`, as recorded on several systems and as small samples of our own.
import { describe, expect, it } from 'vitest'
import { hasRecordings, listRecordings, readRecording } from '../test-support/recordings.ts'
import { parseDomainAsid, parseLaunchctlPrint } from './print-text.ts'

/** Made up, after the format of the recordings. */
const sample = (...lines: readonly string[]): string =>
  ['gui/501/ai.opta.nexus = {', ...lines.map((line) => `\t${line}`), '}', ''].join('\n')

describe('parseLaunchctlPrint', () => {
  it('reads only the lines of the job itself', () => {
    const output = sample(
      'path = /Users/ana/Library/LaunchAgents/ai.opta.nexus.plist',
      'state = running',
      'environment = {',
      '\tpid = 5',
      '}',
      'pid = 812',
      'last exit code = (never exited)',
      'resource coalition = {',
      '\tID = 77',
      '\tstate = active',
      '}',
      'jetsam coalition = {',
      '\tID = 78',
      '}',
    )
    expect(parseLaunchctlPrint(output)).toMatchObject({
      state: 'running',
      pid: 812,
      lastExit: null,
      coalitionId: 77,
    })
  })

  it.each([
    ['last exit code = 0', 'exit status 0'],
    ['last exit code = 78: EX_CONFIG', 'exit status 78: EX_CONFIG'],
    ['last terminating signal = Terminated: 15', 'signal Terminated: 15'],
    ['last exit reason = OS_REASON_DYLD', 'OS_REASON_DYLD'],
    ['last exit code = 0\n\tlast exit reason = OS_REASON_CODESIGNING', 'OS_REASON_CODESIGNING'],
    ['last exit code = 1\n\tlast exit reason = exited', 'exit status 1'],
    [
      'last jetsam exit details = JETSAM_REASON_MEMORY_PERPROCESSLIMIT',
      'JETSAM_REASON_MEMORY_PERPROCESSLIMIT',
    ],
    ['last exit status = 0', 'exit status 0'],
    ['last exit code = 0\n\tlast exit reason = (none)', 'exit status 0'],
    ['last crash cause = something new', 'something new'],
  ])('says how it last ended: %s', (line, lastExit) => {
    expect(parseLaunchctlPrint(sample('state = spawn scheduled', line))).toMatchObject({
      pid: null,
      lastExit,
    })
  })

  it('reads what it would start, although a word looks like a bracket or a value', () => {
    const output = sample(
      'state = not running',
      'arguments = {',
      '\t/bin/sh',
      '\t}',
      '\tpid = 5',
      '}',
      'environment = {',
      '\tPATH => /opt/homebrew/bin:/usr/bin',
      '\tODD => {',
      '\tXPC_SERVICE_NAME => ai.opta.nexus',
      '}',
      'LWCR = {',
      '\t"reqs" => {',
      '\t\t"$in" => [',
      '\t\t\t0 = \t\t]',
      '\t}',
      '}',
      'asid = 100020',
      'runs = 2',
      'pid = 4711',
    )
    const job = parseLaunchctlPrint(output)
    expect(job).toMatchObject({ pid: 4711, runs: 2, asid: 100020 })
    expect(job?.env.get('PATH')).toBe('/opt/homebrew/bin:/usr/bin')
  })

  it('reads a paste that lost its indentation, and one with blanks in place of tabs', () => {
    const output = sample('state = running', 'environment = {', '\tpid = 5', '}', 'pid = 9')
    for (const indent of ['', '  ', '        '])
      expect(parseLaunchctlPrint(output.replaceAll('\t', indent))).toMatchObject({ state: 'running', pid: 9 })
  })

  it.each([
    '',
    'Bad request.\nCould not find service "x"\n',
    '\t\tstate = running\n',
    'pid = 0',
    'gui/501 = {\n\ttype = login\n}\n',
  ])('is null for %j', (output) => {
    expect(parseLaunchctlPrint(output)).toBeNull()
  })
})

describe.skipIf(!hasRecordings)('recorded launchctl print (skipped where the recordings are not)', () => {
  it.each([
    ['print-gui-running-keepalive-macos27.txt', 'running', 1076, null, 100020],
    ['print-gui-loaded-never-run-macos27.txt', 'not running', null, null, 100020],
    [
      'print-gui-spawn-scheduled-exconfig78-macos26.txt',
      'spawn scheduled',
      null,
      'exit status 78: EX_CONFIG',
      100023,
    ],
    ['print-gui-submitted-running-last-exit-1-2026.txt', 'running', 28_474, 'exit status 1', 100057],
    ['print-running-abbreviated-2026.txt', 'running', 85_245, 'signal Terminated: 15', null],
    ['print-user503-not-running.txt', 'not running', null, 'exit status 0', 100008],
    ['print-system-running-macos10.14-partial.txt', 'running', 1486, 'exit status 0', null],
    ['print-last-exit-reason-codesigning.txt', 'not running', null, 'OS_REASON_CODESIGNING', null],
  ])('%s', (name, state, pid, lastExit, asid) => {
    const job = parseLaunchctlPrint(readRecording(`launchctl/${name}`))
    expect(job).toMatchObject({ state, pid, asid })
    expect(job?.lastExit).toBe(lastExit)
  })

  it('has the coalition wherever the recording has one', () => {
    const withOne = listRecordings('launchctl')
      .map(readRecording)
      .filter((text) => /^\S.* = \{$/m.test(text) && /resource coalition = \{/.test(text))
    expect(withOne.length).toBeGreaterThan(0)
    for (const text of withOne) expect(parseLaunchctlPrint(text)?.coalitionId).toEqual(expect.any(Number))
  })

  it('has what the job would be started as', () => {
    const job = parseLaunchctlPrint(
      readRecording('launchctl/print-gui-spawn-scheduled-exconfig78-macos26.txt'),
    )
    expect(job?.argv).toEqual([
      '/usr/local/bin/billet',
      'node',
      '--config',
      '/usr/local/etc/billet/billet.yaml',
    ])
    expect(job?.env.get('PATH')).toBe('/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin')
  })

  it.each(['print-not-loaded-gui-113.txt', 'print-no-gui-exit112.txt'])('is null for %s', (name) => {
    expect(parseLaunchctlPrint(readRecording(`launchctl/${name}`))).toBeNull()
  })
})

// After public pastes of `launchctl print gui/501` (macOS 26) and `user/2001` (26.6.2), with made-up numbers.
describe('parseDomainAsid', () => {
  it('reads the audit session from the security context alone', () => {
    const domain =
      'gui/501 = {\n\ttype = login\n\thandle = 100019\n\tsecurity context = {\n\t\tuid = 501\n\t\tasid = 100019\n\t}\n\tservices = {\n\t\tasid = 7\n\t}\n}\n'
    expect(parseDomainAsid(domain)).toBe(100019)
    expect(parseDomainAsid(domain.replace('asid = 100019', 'asid = ?'))).toBeNull()
    expect(parseDomainAsid('Bad request.\n')).toBeNull()
  })
})
