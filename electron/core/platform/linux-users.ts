// User names by user id.
import { readProcText } from './linux-proc.ts'
import { parseUserName } from './linux-process-text.ts'

/** Like ps(1): the name, or the bare id for users that /etc/passwd does not list (LDAP, containers). */
export const readUserName = async (uid: number): Promise<string> => {
  const passwd = await readProcText('/etc/passwd')
  return (passwd === null ? null : parseUserName(passwd, uid)) ?? String(uid)
}
