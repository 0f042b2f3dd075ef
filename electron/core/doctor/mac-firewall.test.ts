// Output of socketfilterfw: self-written, with the wordings of public reports and made-up paths. None is recorded.
import { describe, expect, it } from 'vitest'
import type { RunCommand } from '../platform/run-command.ts'
import {
  firewallProgram,
  listsApp,
  parseAppBlocked,
  parseFirewallState,
  readFirewall,
} from './mac-firewall.ts'

const program = '/opt/homebrew/Cellar/llama.cpp/1.2/bin/llama-server'

describe('socketfilterfw', () => {
  it.each([
    ['Firewall is disabled. (State = 0)\n', 'off'],
    ['Firewall is enabled. (State = 1)\r\n', 'on'],
    ['Firewall is enabled. (State = 2)\n', 'blocks-all'],
    ['Firewall is blocking all non-essential incoming connections. (State = 2)', 'blocks-all'],
    ['Firewall is enabled.', 'on'],
    ['', null],
    ['usage: socketfilterfw', null],
  ] as const)('state of %j: %s', (text, state) => expect(parseFirewallState(text)).toBe(state))

  it.each([
    ['Incoming connection to the application is permitted \n', 'permitted'],
    ['Incoming connection to the application is blocked \n', 'blocked'],
    [`The application ${program} is permitted`, 'permitted'],
    [
      `The application at path ( ${program} ) is not blocked from accepting incoming connections.`,
      'permitted',
    ],
    [`The application ${program} is blocked from incoming connections`, 'blocked'],
    ['The application is not part of the firewall \n', 'not-listed'],
    ['', null],
  ] as const)('rule of %j: %s', (text, rule) => expect(parseAppBlocked(text, program)).toBe(rule))

  it('ignores words in the path', () => {
    const path = '/Users/ana/not blocked/llama-server'
    expect(parseAppBlocked(`Incoming connection to ${path} is blocked`, path)).toBe('blocked')
  })

  const list = `ALF: total number of apps = 2 \n\n1 :  ${program} \n \t ( Allow incoming connections ) \n\n2 :  /x/y \n`
  it('finds programs by their path', () => {
    expect(listsApp(list, program)).toBe(true)
    expect(listsApp(list, '/opt/homebrew/Cellar')).toBe(false)
  })

  it("maps a framework's Python to the program it becomes", () => {
    const version = '/opt/homebrew/Cellar/python@3.13/3.13.1/Frameworks/Python.framework/Versions/3.13'
    expect(firewallProgram(`${version}/bin/python3.13`)).toBe(
      `${version}/Resources/Python.app/Contents/MacOS/Python`,
    )
    expect(firewallProgram('/usr/bin/python3')).toBe('/usr/bin/python3')
  })

  const answer =
    (state: string, blocked: string, apps = list): RunCommand =>
    async ([, flag]) => {
      const stdout = flag === '--getglobalstate' ? state : flag === '--listapps' ? apps : blocked
      return { kind: 'exited', exitCode: 0, stdout, stderr: '' }
    }
  const on = 'Firewall is enabled. (State = 1)\n'
  const permitted = 'Incoming connection to the application is permitted\n'
  it.each([
    ['off', answer('Firewall is disabled. (State = 0)\n', ''), { kind: 'off' }],
    ['blocked', answer(on, 'Incoming connection to the application is blocked\n'), { rule: 'blocked' }],
    ['permitted and listed', answer(on, permitted), { rule: 'permitted' }],
    // It says this of any path, so it proves nothing.
    [
      'permitted and not listed',
      answer(on, permitted, 'ALF: total number of apps = 0 \n'),
      { rule: 'not-listed' },
    ],
    ['of another form', answer('Brandmauer: an\n', ''), { kind: 'unknown' }],
  ] as const)('%s', async (_, run, expected) => {
    expect(await readFirewall(run, program)).toMatchObject(expected)
  })
  it('is unknown without socketfilterfw', async () => {
    const run: RunCommand = async () => ({ kind: 'not-run', reason: 'ENOENT' })
    expect(await readFirewall(run, program)).toMatchObject({ kind: 'unknown' })
  })
})
