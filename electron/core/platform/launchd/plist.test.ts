import { expect, it } from 'vitest'
import { parsePlist } from '../test-support/mac-plist.ts'
import { type LaunchdJobSpec, renderLaunchdPlist } from './plist.ts'

const spec: LaunchdJobSpec = {
  label: 'ai.opta.nexus',
  argv: ['/Users/ana/opta & co/scripts/nexus', 'serve'],
  env: { NEXUS_HOME: '/Users/ana/<state>' },
  logPath: '/Users/ana/<state>/logs/core.log',
  lifetime: 'restarted',
  userName: null,
}

it('names program, environment and logs, escaped, and restarts only after a failure', () => {
  const plist = renderLaunchdPlist(spec)
  expect(plist).toContain('<string>/Users/ana/opta &amp; co/scripts/nexus</string>')
  expect(parsePlist(plist)).toEqual({
    Label: 'ai.opta.nexus',
    ProgramArguments: ['/Users/ana/opta & co/scripts/nexus', 'serve'],
    EnvironmentVariables: { NEXUS_HOME: '/Users/ana/<state>' },
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 30,
    AbandonProcessGroup: true,
    ProcessType: 'Interactive',
    ExitTimeOut: 20,
    Umask: 0o077,
    StandardOutPath: '/Users/ana/<state>/logs/core.log',
    StandardErrorPath: '/Users/ana/<state>/logs/core.log',
  })
})

it('that runs once is never restarted, is replaced without a wait, and loads with and without a user at the screen', () => {
  const plist = parsePlist(renderLaunchdPlist({ ...spec, lifetime: 'once' }))
  expect(plist).toMatchObject({
    LimitLoadToSessionType: ['Aqua', 'Background'],
    AbandonProcessGroup: true,
    ThrottleInterval: 1,
  })
  expect(plist).not.toHaveProperty('KeepAlive')
})

it('that runs once as a daemon names no session type: it belongs to none', () => {
  const plist = parsePlist(
    renderLaunchdPlist({ ...spec, lifetime: 'once', userName: 'ana', exitSeconds: 60 }),
  )
  expect(plist).toMatchObject({ UserName: 'ana', ExitTimeOut: 60 })
  expect(plist).not.toHaveProperty('LimitLoadToSessionType')
})

it('says whose it is as a daemon, and names no environment when there is none', () => {
  const plist = parsePlist(renderLaunchdPlist({ ...spec, env: {}, userName: 'ana' }))
  expect(plist).toMatchObject({ UserName: 'ana' })
  expect(plist).not.toHaveProperty('EnvironmentVariables')
})
