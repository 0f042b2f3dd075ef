// The names of users by their numbers, as the system's own directory has them.
import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'

/** Of this process. */
export const readOwnUid = (): number => process.getuid?.() ?? 0

export const readOwnUserName = (): string => {
  try {
    return userInfo().username
  } catch {
    // Throws for a user without a name (containers).
    return String(readOwnUid())
  }
}

const answerMs = 2_000

/** The number as text where the user has no name. */
export const readUserName = (uid: number, platform: NodeJS.Platform = process.platform): Promise<string> => {
  // id(1) of macOS takes a number; GNU's takes it for a name first, so there getent(1), which knows LDAP as well.
  const [program, args] =
    platform === 'darwin'
      ? ['/usr/bin/id', ['-un', String(uid)]]
      : ['/usr/bin/getent', ['passwd', String(uid)]]
  return new Promise((resolve) => {
    execFile(program, args, { timeout: answerMs }, (error, stdout) => {
      const name = stdout.split(/[:\n]/, 1)[0] ?? ''
      resolve(error !== null || name === '' ? String(uid) : name)
    })
  })
}
