// Keeps Spotlight, the file event log and the trash off a volume that only holds build products.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../base/error-message.ts'

/**
 * By files on the volume, because `mdutil -i off` needs root and is forgotten at the next mount. Open to every
 * user, because two developers build on it. Answers what did not work; the volume is usable all the same.
 */
export const settleVolume = async (mountPoint: string): Promise<string | null> => {
  try {
    await chmod(mountPoint, 0o1777)
    await writeFile(join(mountPoint, '.metadata_never_index'), '')
    await mkdir(join(mountPoint, '.fseventsd'), { recursive: true })
    await writeFile(join(mountPoint, '.fseventsd', 'no_log'), '')
    // A file of that name keeps the Finder from making a trash folder: deleted files there would hold memory.
    await writeFile(join(mountPoint, '.Trashes'), '')
    return null
  } catch (error) {
    return `Spotlight could not be kept off ${mountPoint}: ${messageOf(error)}`
  }
}
