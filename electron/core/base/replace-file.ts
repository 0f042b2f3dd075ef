// Replaces the text of a user's own file.
import { realpathSync, statSync, writeFileSync } from 'node:fs'
import { isErrno, writeBeside } from './private-file.ts'

/**
 * Atomic; follows links (CLAUDE.md often links to AGENTS.md, a dotfile manager's config to its own folder) and keeps the file's
 * mode. The file may hold a token, so its copy is never readable by more users than the file.
 */
export const replaceFile = (path: string, text: string): void => {
  const real = realpathSync(path)
  const { mode, uid } = statSync(real)
  if (uid !== process.getuid?.()) {
    // A rename would change the file's owner to us.
    writeFileSync(real, text)
    return
  }
  try {
    writeBeside(real, text, { mode: mode & 0o777 })
  } catch (error) {
    // The file is writable but its folder is not.
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    writeFileSync(real, text)
  }
}
