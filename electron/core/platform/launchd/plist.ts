// The property list of a launchd job. Pure.

export interface LaunchdJobSpec {
  readonly label: string
  /** The program's absolute path and its arguments; no shell. */
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  /** The file for its output. */
  readonly logPath: string
  readonly lifetime: JobLifetime
  /** The user that a daemon of the machine runs as; null: the user that loads the job. */
  readonly userName: string | null
  /** Time from SIGTERM to SIGKILL; 20 s by default. */
  readonly exitSeconds?: number
}

/**
 * `once`: started when loaded or requested, and never restarted by launchd. `restarted`: also after a failure, and at each login
 * or boot if its plist is in launchd's folders.
 */
export type JobLifetime = 'once' | 'restarted'

/**
 * How soon launchd restarts the job: after a failure, so that a job that always fails doesn't keep the machine busy, and after
 * `kickstart -k`, which otherwise waits for the default of 10 s since the last start (launchd.plist(5)).
 */
const throttleSeconds: Readonly<Record<JobLifetime, number>> = { once: 1, restarted: 30 }

/**
 * A core exits within a moment; after this, launchd kills it. Its servers live on. The default of 5 s (recorded:
 * `exit timeout = 5`) may be too short on a machine that swaps.
 */
const usualExitSeconds = 20

/**
 * Keys as in launchd.plist(5). KeepAlive only after a failure: a core that was asked to end stays down.
 * AbandonProcessGroup: the core's children live on without it. Interactive: the model server is a child of this job,
 * and the standard type limits CPU and disk (nix-ai#916 measured 11 instead of 87 tokens a second as Background).
 * LimitLoadToSessionType as an array: the same job must load into gui/UID (Aqua) and, without a user at the screen, into
 * user/UID (Background); a job with only one of them gets error 5 in the other (hermes#30352, nix-apple-container#8).
 * Omitted for a job in launchd's own folders, which a login over SSH would load a second time, and for a daemon.
 */
export const renderLaunchdPlist = (spec: LaunchdJobSpec): string => {
  const { label, argv, env, logPath, lifetime, userName, exitSeconds = usualExitSeconds } = spec
  const variables = Object.entries(env).map(
    ([name, value]) => `    <key>${xml(name)}</key>\n    ${text(value)}`,
  )
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    ...entry('Label', text(label)),
    ...entry('ProgramArguments', '<array>', ...argv.map((word) => `  ${text(word)}`), '</array>'),
    ...(variables.length === 0
      ? []
      : ['  <key>EnvironmentVariables</key>', '  <dict>', ...variables, '  </dict>']),
    ...(userName === null ? [] : entry('UserName', text(userName))),
    ...entry('RunAtLoad', '<true/>'),
    ...(lifetime === 'once' && userName === null
      ? entry('LimitLoadToSessionType', '<array>', `  ${text('Aqua')}`, `  ${text('Background')}`, '</array>')
      : []),
    ...(lifetime === 'restarted'
      ? entry('KeepAlive', '<dict>', '  <key>SuccessfulExit</key>', '  <false/>', '</dict>')
      : []),
    ...entry('ThrottleInterval', `<integer>${throttleSeconds[lifetime]}</integer>`),
    ...entry('AbandonProcessGroup', '<true/>'),
    ...entry('ProcessType', text('Interactive')),
    ...entry('ExitTimeOut', `<integer>${exitSeconds}</integer>`),
    ...entry('Umask', `<integer>${0o077}</integer>`),
    ...entry('StandardOutPath', text(logPath)),
    ...entry('StandardErrorPath', text(logPath)),
    '</dict>',
    '</plist>',
    '',
  ].join('\n')
}

const entry = (key: string, ...value: readonly string[]): readonly string[] => [
  `  <key>${key}</key>`,
  ...value.map((line) => `  ${line}`),
]

const text = (value: string): string => `<string>${xml(value)}</string>`

const xml = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
