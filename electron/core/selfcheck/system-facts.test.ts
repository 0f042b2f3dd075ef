import { expect, it } from 'vitest'
import { judgeStart, selfcheckLabel } from './system-facts.ts'

it.each([
  ['terminal', { TERM_PROGRAM: 'Apple_Terminal', XPC_SERVICE_NAME: '0' }, 'Aqua'],
  ['ssh', { SSH_CONNECTION: '10.0.0.1 5 10.0.0.2 22', TERM: 'xterm' }, 'Background'],
  ['agent', { XPC_SERVICE_NAME: selfcheckLabel }, 'Aqua'],
  ['agent', { XPC_SERVICE_NAME: selfcheckLabel }, 'Background'],
  ['daemon', { XPC_SERVICE_NAME: selfcheckLabel }, 'System'],
  ['daemon', {}, 'System'],
  ['terminal', { TERM: 'xterm' }, null],
  ['unknown', {}, 'Background'],
] as const)('a Mac: %s', (kind, env, managerName) => {
  expect(judgeStart({ platform: 'darwin', env, managerName })).toMatchObject({ kind })
})

it.each([
  ['ssh', { SSH_CONNECTION: 'x', INVOCATION_ID: '1' }],
  ['systemd', { INVOCATION_ID: '1', TERM: 'xterm' }],
  ['terminal', { TERM: 'xterm' }],
  ['unknown', {}],
] as const)('Linux: %s', (kind, env) => {
  expect(judgeStart({ platform: 'linux', env, managerName: null })).toMatchObject({ kind })
})
