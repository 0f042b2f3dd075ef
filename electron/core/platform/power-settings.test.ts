import { describe, expect, it } from 'vitest'
import { parsePowerSettings } from './power-settings.ts'

// Own samples after the manual page and general knowledge; no recording is at hand.
const studio = `System-wide power settings:
Currently in use:
 standby              0
 autorestart          1
 sleep                0 (sleep prevented by caffeinate, powerd)
 displaysleep         10
`

describe('parsePowerSettings', () => {
  it('reads what keeps a machine up', () => {
    expect(parsePowerSettings(studio)).toEqual({
      isSleepDisabled: false,
      sleepMinutes: 0,
      restartsAfterPowerFailure: true,
    })
  })

  it('does not take displaysleep for sleep, nor a missing setting for 0', () => {
    expect(parsePowerSettings(' displaysleep         10\n')).toEqual({
      isSleepDisabled: false,
      sleepMinutes: null,
      restartsAfterPowerFailure: null,
    })
    expect(parsePowerSettings(' sleep 1\n autorestart 0\n')).toEqual({
      isSleepDisabled: false,
      sleepMinutes: 1,
      restartsAfterPowerFailure: false,
    })
  })

  it('knows a machine whose sleep is turned off as a whole', () => {
    const text =
      'System-wide power settings:\n SleepDisabled\t\t1\nCurrently in use:\n sleep                1\n'
    expect(parsePowerSettings(text)).toMatchObject({ isSleepDisabled: true, sleepMinutes: 1 })
    expect(parsePowerSettings(text.replace('\t1', '\t0'))?.isSleepDisabled).toBe(false)
  })

  it('knows a list without settings from a text that is no list', () => {
    const none = { isSleepDisabled: false, sleepMinutes: null, restartsAfterPowerFailure: null }
    expect(parsePowerSettings('System-wide power settings:\r\nCurrently in use:\r\n')).toEqual(none)
    expect(parsePowerSettings('System-wide power settings:\n SleepDisabled\t\t1\n')).toEqual({
      ...none,
      isSleepDisabled: true,
    })
    expect(parsePowerSettings('\tmtu 1500\n  Chip 3 x\n')).toBeNull()
  })

  it.each(['', 'pmset: not permitted', ' sleep never'])('does not understand %j', (text) =>
    expect(parsePowerSettings(text)).toBeNull(),
  )
})
