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

/** A user without a name is asked for again after this: the directory may only have been slow. */
const askAgainMs = 60_000
// Date, because the app asks too, and the Node of its test build has no global performance.
const asked = new Map<number, { readonly name: string | null; readonly askedAtMs: number }>()

/** The id as text when the user has no name. Remembers answers: a survey of the RAM disk meets the same few users all the time. */
export const readUserName = async (uid: number): Promise<string> => {
  const before = asked.get(uid)
  if (before !== undefined && (before.name !== null || Date.now() - before.askedAtMs < askAgainMs))
    return before.name ?? String(uid)
  const name = await askName(uid)
  asked.set(uid, { name, askedAtMs: Date.now() })
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
