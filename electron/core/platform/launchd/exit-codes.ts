// launchctl's exit statuses by name. Pure.
import { type CommandResult, describeFailure } from '../run-command.ts'

export type LaunchctlAnswer =
  | 'done'
  | 'no-such-process'
  | 'refused'
  | 'in-progress'
  | 'no-domain'
  | 'not-loaded'
  | 'disabled'
  | 'wrong-session'
  /** launchctl did not run, or printed something else. */
  | 'other'

/**
 * Numbers above 106 are launchd's own errnos (xpc's errno list), and one number may have several causes: 5 stands for a job that
 * is already loaded or still being unloaded, for a session type that the plist does not allow, and for a file that launchd
 * does not accept (noclamshell#25, headroom#1289, hermes#30352). 112 and 125 both mean that the domain doesn't exist
 * (opencodex#1770). If launchctl's message says whether job or domain is missing, it takes precedence over the number,
 * which differs between releases.
 */
export const nameLaunchctlAnswer = (result: CommandResult): LaunchctlAnswer => {
  if (result.kind === 'not-run') return 'other'
  if (result.exitCode !== 0) {
    const said = `${result.stderr}\n${result.stdout}`
    if (/Could not find domain|Domain does not support specified action/.test(said)) return 'no-domain'
    if (/Could not find service/.test(said)) return 'not-loaded'
  }
  switch (result.exitCode) {
    case 0:
      return 'done'
    case 3:
      return 'no-such-process'
    case 5:
      return 'refused'
    case 36:
    case 37:
      return 'in-progress'
    case 112:
    case 125:
      return 'no-domain'
    case 113:
      return 'not-loaded'
    case 119:
      return 'disabled'
    case 134:
      return 'wrong-session'
    default:
      return 'other'
  }
}

export const noSession = 'no user is logged in at the screen, so launchd has no session for agents'

/** Keeps launchctl's own text, because a number can have several causes. `label`: the job's, for the command that helps. */
export const explainLaunchctl = (result: CommandResult, label: string): string => {
  const said = describeFailure(result)
  switch (nameLaunchctlAnswer(result)) {
    case 'no-such-process':
      return `${said} (there is no such job)`
    case 'refused':
      return `${said} (the job is already loaded, still being unloaded or disabled, or launchd does not accept the file: launchctl enable gui/$UID/${label}, then try again)`
    case 'in-progress':
      return `${said} (launchd is still unloading the job: try again in a few seconds)`
    case 'not-loaded':
      return `${said} (the job is not loaded)`
    case 'disabled':
      return `${said} (it was disabled: launchctl enable gui/$UID/${label}, or System Settings, General, Login Items & Extensions)`
    case 'wrong-session':
      return `${said} (its plist does not allow this kind of login session)`
    case 'no-domain':
      return noSession
    case 'done':
    case 'other':
      return said
  }
}
