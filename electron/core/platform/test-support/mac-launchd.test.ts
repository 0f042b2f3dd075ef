// The imitated launchctl answers with the numbers and words that a Mac was seen to answer with.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestMac, type TestMac } from './mac.ts'
import { logOut } from './mac-launchd.ts'
import { hasRecordings, readRecording } from './recordings.ts'

let mac: TestMac
let plist: string
beforeEach(() => {
  mac = createTestMac({ executables: false })
  plist = join(mac.folder, 'x.plist')
  writeFileSync(
    plist,
    '<plist><dict><key>Label</key><string>x</string><key>ProgramArguments</key><array><string>/bin/sleep</string><string>60</string></array><key>RunAtLoad</key><true/></dict></plist>',
    { mode: 0o600 },
  )
})
afterEach(() => mac.remove())

const say = async (...words: readonly string[]): Promise<string> => {
  const result = await mac.run(['launchctl', ...words])
  return result.kind === 'exited' ? `${result.exitCode} ${result.stderr}` : result.reason
}

it('loads once, prints, and unloads', async () => {
  expect(await say('bootstrap', 'gui/501', plist)).toBe('0 ')
  expect(await say('bootstrap', 'gui/501', plist)).toMatch(/^5 Bootstrap failed: 5: Input\/output error/)
  expect(await say('print', 'gui/501/x')).toBe('0 ')
  expect(await say('bootout', 'gui/501/x')).toBe('0 ')
  expect(await say('bootout', 'gui/501/x')).toBe('3 Boot-out failed: 3: No such process\n')
  expect(await say('print', 'gui/501/x')).toMatch(/^113 /)
  expect(await say('kickstart', 'gui/501/x')).toMatch(/^113 /)
})

it('has no domain of the screen while no user is logged in, and takes there only what names Background', async () => {
  mac.change(logOut)
  expect(await say('print', 'gui/501/x')).toMatch(/^112 /)
  expect(await say('bootstrap', 'gui/501', plist)).toMatch(/^125 /)
  expect(await say('bootstrap', 'user/501', plist)).toMatch(/^5 /)
})

it('keeps a label that was switched off from being loaded', async () => {
  expect(await say('disable', 'gui/501/x')).toBe('0 ')
  expect(await say('bootstrap', 'gui/501', plist)).toMatch(/^119 /)
  expect(await say('enable', 'gui/501/x')).toBe('0 ')
  expect(await say('bootstrap', 'gui/501', plist)).toBe('0 ')
})

it('says meanwhile that an unloading is under way', async () => {
  await say('bootstrap', 'gui/501', plist)
  mac.change(({ launchd }) => {
    launchd.drainMs = 60_000
  })
  expect(await say('bootout', 'gui/501/x')).toBe('0 ')
  expect(await say('bootout', 'gui/501/x')).toMatch(/^36 /)
  expect(await say('bootstrap', 'gui/501', plist)).toMatch(/^5 /)
})

describe.skipIf(!hasRecordings)('as recorded (skipped where the recordings are not)', () => {
  it.each([
    ['bootstrap-error5-macos-m1.txt', ['bootstrap', 'gui/501', '/not/there.plist'], (text: string) => text],
    [
      'print-not-loaded-gui-113.txt',
      ['print', 'gui/501/x'],
      (text: string) => text.replace('com.local.llama-swap', 'x'),
    ],
  ])('%s', async (name, words, adapted) => {
    const [, ...said] = (await say(...words)).split(' ')
    expect(said.join(' ')).toBe(adapted(readRecording(`launchctl/${name}`)))
  })

  it('print-no-gui-exit112.txt', async () => {
    mac.change(logOut)
    expect(await say('print', 'gui/501/x')).toBe(
      `112 ${readRecording('launchctl/print-no-gui-exit112.txt').trimEnd()}\n`,
    )
  })
})
