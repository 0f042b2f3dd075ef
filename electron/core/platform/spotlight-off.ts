// Keeps Spotlight, the file event log and the trash off a volume that only holds build products.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../base/error-message.ts'

/**
 * Uses files on the volume, because `mdutil -i off` needs root and is lost at the next mount. They are open to every user,
 * because two developers build on it. Returns the failure, or null; the volume is usable either way.
 */
export const settleVolume = async (mountPoint: string): Promise<string | null> => {
  try {
    await chmod(mountPoint, 0o1777)
    await writeFile(join(mountPoint, '.metadata_never_index'), '')
    await mkdir(join(mountPoint, '.fseventsd'), { recursive: true })
    await writeFile(join(mountPoint, '.fseventsd', 'no_log'), '')
    // A file of that name keeps the Finder from creating a trash folder, where deleted files would hold memory.
    await writeFile(join(mountPoint, '.Trashes'), '')
    return null
  } catch (error) {
    return `could not turn off Spotlight on ${mountPoint}: ${messageOf(error)}`
  }
}
