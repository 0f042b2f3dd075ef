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

/** Only names that were found: an answer that came too late may come in time the next time. */
const known = new Map<number, string>()

/** The id as text when the user has no name. Asks once for each user: a survey of the RAM disk meets the same few all the time. */
export const readUserName = async (uid: number): Promise<string> => {
  const name = known.get(uid) ?? (await askName(uid))
  if (name !== null) known.set(uid, name)
  return name ?? String(uid)
}

/**
 * Not from /etc/passwd: on a Mac it does not list users. macOS's id(1) takes a user id; GNU's tries it as a name first, so on
 * Linux we use getent(1), which also knows LDAP.
 */
const askName = (uid: number): Promise<string | null> => {
  const [program, args] =
    process.platform === 'darwin'
      ? ['/usr/bin/id', ['-un', String(uid)]]
      : ['/usr/bin/getent', ['passwd', String(uid)]]
  return new Promise((resolve) => {
    execFile(program, args, { timeout: answerMs }, (error, stdout) => {
      const name = stdout.split(/[:\n]/, 1)[0] ?? ''
      resolve(error !== null || name === '' ? null : name)
    })
  })
}
