// Names of users by their number.
import { readProcText } from './linux-proc.ts'
import { parseUserName } from './linux-process-text.ts'

/** As ps(1) does: the name, or the bare number for users that /etc/passwd does not list (LDAP, containers). */
export const readUserName = async (uid: number): Promise<string> => {
  const passwd = await readProcText('/etc/passwd')
  return (passwd === null ? null : parseUserName(passwd, uid)) ?? String(uid)
}
