// Parses macOS's `pmset -g`. Based on its manual page and general knowledge; we have no recording.

export type PowerSettings = Readonly<NonNullable<ReturnType<typeof parsePowerSettings>>>

const headline = /^(?:System-wide power settings|Currently in use):\s*$/m
/** Every list of settings has at least one of these, on desktops and laptops. */
const usualNames = [
  'sleep',
  'displaysleep',
  'disksleep',
  'SleepDisabled',
  'autorestart',
  'womp',
  'hibernatemode',
]

/**
 * Lines are ` sleep                0 (sleep prevented by caffeinate)`. A sandboxed pmset prints the headings with few or no
 * settings (public report, 2026). null when the text is no list of settings.
 */
export const parsePowerSettings = (text: string) => {
  const settings = new Map(
    [...text.matchAll(/^[ \t]+([A-Za-z]\w*)[ \t]+(\d+)(?:\s|$)/gm)].map((match) => [
      match[1] ?? '',
      Number(match[2]),
    ]),
  )
  if (!headline.test(text) && !usualNames.some((name) => settings.has(name))) return null
  const restart = settings.get('autorestart')
  return {
    /** `pmset disablesleep 1`: the machine never sleeps, whatever the minutes say. */
    isSleepDisabled: (settings.get('SleepDisabled') ?? 0) !== 0,
    /** Minutes until the machine sleeps; 0: never; null: not listed. */
    sleepMinutes: settings.get('sleep') ?? null,
    /** Whether it restarts after a power failure; null: not listed (laptops lack this setting). */
    restartsAfterPowerFailure: restart === undefined ? null : restart !== 0,
  }
}
