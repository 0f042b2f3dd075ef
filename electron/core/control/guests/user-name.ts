// User names by user id, from the system's directory.
import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'

/** The user of this process. */
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

/** The id as text when the user has no name. */
export const readUserName = (uid: number, platform: NodeJS.Platform = process.platform): Promise<string> => {
  // macOS's id(1) takes a user id; GNU's tries it as a name first, so on Linux we use getent(1), which also knows LDAP.
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
