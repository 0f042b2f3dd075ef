// What is said of opening at login, and what the system is asked for.
import { expect, it } from 'vitest'
import { type LoginItemApp, readLoginItem, setLoginItem, showsWindowAtLaunch } from './login-item.ts'

type Settings = ReturnType<LoginItemApp['getLoginItemSettings']>

const on: Settings = { openAtLogin: true, status: 'enabled' }
const off: Settings = { openAtLogin: false, status: 'not-registered' }

/** An app whose system answers with `settings`, whatever it was asked for. */
const setUp = (settings: Settings, isPackaged = true) => {
  const asked: object[] = []
  const app: LoginItemApp = {
    isPackaged,
    getLoginItemSettings: () => settings,
    setLoginItemSettings: (wanted) => void asked.push(wanted),
  }
  return { app, asked }
}

it.each([
  ['on', on],
  ['off', off],
  ['off', { openAtLogin: false, status: 'not-found' }],
  // Registered, and the person has still to allow it (Apple, SMAppService.Status), whatever the other one says.
  ['requires-approval', { openAtLogin: false, status: 'requires-approval' }],
  ['requires-approval', { openAtLogin: true, status: 'requires-approval' }],
] as const)('is %s when macOS says %o', (expected, settings) => {
  expect(readLoginItem(setUp(settings).app, 'darwin')).toBe(expected)
})

it('cannot be had under Linux, nor by an app that is not installed, whatever Electron says', () => {
  expect(readLoginItem(setUp(on).app, 'linux')).toBe('unavailable')
  expect(readLoginItem(setUp(on, false).app, 'darwin')).toBe('unavailable')
})

it.each([true, false])('asks macOS for it: %s', (wanted) => {
  const { app, asked } = setUp(wanted ? off : on)
  expect(setLoginItem(app, 'darwin', wanted)).toBeNull()
  expect(asked).toEqual([{ openAtLogin: wanted }])
})

it('asks again where the person has still to approve', () => {
  const { app, asked } = setUp({ openAtLogin: false, status: 'requires-approval' })
  expect(setLoginItem(app, 'darwin', true)).toBeNull()
  expect(asked).toEqual([{ openAtLogin: true }])
})

it('says what to do instead where it cannot be had, and asks the system for nothing', () => {
  const notInstalled = setUp(off, false)
  expect(setLoginItem(notInstalled.app, 'darwin', true)).toContain('only the installed app')
  const linux = setUp(off)
  expect(setLoginItem(linux.app, 'linux', true)).toContain('nexus service install')
  expect([...notInstalled.asked, ...linux.asked]).toEqual([])
})

const app = (hidden: boolean, wasOpenedAtLogin: boolean) => ({
  commandLine: { hasSwitch: (name: string) => hidden && name === 'hidden' },
  getLoginItemSettings: () => ({ wasOpenedAtLogin }),
})

it.each([
  ['by a person', false, false, 'darwin', true],
  ['at login', false, true, 'darwin', false],
  ['by a person', false, false, 'linux', true],
  ['with --hidden', true, false, 'linux', false],
] as const)('opened %s (hidden %s, at login %s, %s): %s', (_, hidden, atLogin, platform, shown) =>
  expect(showsWindowAtLaunch(app(hidden, atLogin), platform)).toBe(shown),
)
