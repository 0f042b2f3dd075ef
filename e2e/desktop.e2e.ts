// The tests' own desktop sees notifications and their removal.
import { execa } from 'execa'
import { afterEach, describe, expect, it } from 'vitest'
import { type Desktop, openDesktop } from './desktop.ts'

const desktops: Desktop[] = []
afterEach(async () => {
  for (const desktop of desktops.splice(0)) await desktop.close()
})
const open = async () => {
  const desktop = await openDesktop()
  desktops.push(desktop)
  return desktop
}

// Xvfb and dunst are installed by set-up where it installs Electron.
describe.skipIf(process.env['NEXUS_TEST_ELECTRON'] === undefined)('the desktop', () => {
  it('sees a notification, word for word, until it is withdrawn', async () => {
    const desktop = await open()
    const notify = (...args: readonly string[]) =>
      execa('dunstify', [...args], { env: desktop.env, timeout: 20_000 })
    await notify('--printid', 'All "slots" are busy', 'first line\nsecond line')
    const { id, title, body } = await desktop.untilNotified((seen) => seen.id !== null, 10_000)
    expect({ title, body }).toEqual({ title: 'All "slots" are busy', body: 'first line\nsecond line' })
    await notify('--replace', String(id), 'One is free')
    await desktop.untilNotified((seen) => seen.title === 'One is free', 10_000)
    expect(desktop.notifications()).toHaveLength(1)
    await notify('--close', String(id))
    await desktop.untilWithdrawn((seen) => seen.id === id, 10_000)
    expect(desktop.notifications()).toEqual([])
    expect(desktop.titlesRaised()).toHaveLength(1)
  })

  it('leaves the other alone when two are open', async () => {
    const [first, second] = [await open(), await open()]
    expect(first.env).not.toEqual(second.env)
    await first.close()
    await execa('dunstify', ['still here'], { env: second.env, timeout: 20_000 })
    expect((await second.untilNotified(() => true, 10_000)).title).toBe('still here')
  })
})
