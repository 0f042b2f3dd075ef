// Whether this process may use a volume: macOS may refuse it although the file permissions allow it.
import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../base/private-file.ts'

/** Writes a small file, reads it again and removes it. Rejects with the system's error. */
export const writeAndReadFile = async (folder: string): Promise<void> => {
  const path = join(folder, `.nexus-access-${randomUUID()}`)
  try {
    await writeFile(path, 'x', { flag: 'wx' })
    await readFile(path)
  } finally {
    await rm(path, { force: true }).catch(() => {})
  }
}

/**
 * EPERM is not a file permission (that would be EACCES) but macOS's privacy protection: launchd jobs and SSH sessions met it on
 * external volumes (gbrain#5014, codex#24440); we haven't seen whether it covers RAM disks. null for every other error.
 */
export const explainPrivacyRefusal = (mountPoint: string, error: unknown): string | null =>
  isErrno(error, 'EPERM')
    ? `macOS does not let this process use ${mountPoint} (EPERM), although it is mounted: in System Settings allow it, for SSH ` +
      `under General, Sharing, Remote Login, "Allow full disk access for remote users", and for a core that launchd started ` +
      `under Privacy & Security, Full Disk Access, where ${process.execPath} has to be listed`
    : null
