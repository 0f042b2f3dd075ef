// The property list of our launchd job, as an agent of one user or as a daemon of the machine. Pure.
import type { AutostartSpec } from './autostart.ts'

export const launchdLabel = 'ai.opta.nexus'

/** How soon launchd tries again after a failure: one at every start must not keep the machine busy. */
const throttleSeconds = 30

/**
 * Keys as in launchd.plist(5). KeepAlive only after a failure: a core that was told to end stays down.
 * AbandonProcessGroup: what the core started goes on without it. Interactive: the model server is a child of this job,
 * and the standard type limits CPU and disk.
 * @param userName null for an agent, which runs as its user anyway.
 */
export const renderLaunchdPlist = (
  { argv, env, logPath }: AutostartSpec,
  userName: string | null,
): string => {
  const variables = Object.entries(env).map(
    ([name, value]) => `    <key>${xml(name)}</key>\n    ${text(value)}`,
  )
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    ...entry('Label', text(launchdLabel)),
    ...entry('ProgramArguments', '<array>', ...argv.map((word) => `  ${text(word)}`), '</array>'),
    ...(variables.length === 0
      ? []
      : ['  <key>EnvironmentVariables</key>', '  <dict>', ...variables, '  </dict>']),
    ...(userName === null ? [] : entry('UserName', text(userName))),
    ...entry('RunAtLoad', '<true/>'),
    ...entry('KeepAlive', '<dict>', '  <key>SuccessfulExit</key>', '  <false/>', '</dict>'),
    ...entry('ThrottleInterval', `<integer>${throttleSeconds}</integer>`),
    ...entry('AbandonProcessGroup', '<true/>'),
    ...entry('ProcessType', text('Interactive')),
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
