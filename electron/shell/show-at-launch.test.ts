// A person who opens the app sees it; a login does not put a window in the way.
import { expect, it } from 'vitest'
import { showsWindowAtLaunch } from './show-at-launch.ts'

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
