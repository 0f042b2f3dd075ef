// How much memory a RAM disk really uses, and how to keep that from being swapped.
import { quoteForShell } from '../../wording/shell-quote.ts'
import { ramImageName } from '../platform/darwin-disk-text.ts'
import type { RamDiskBacking, RamDiskSpec } from '../platform/platform.ts'

/** The memory of its program; null when unknown, or when it equals the space in use (tmpfs). */
export const heldBytesOf = (backing: RamDiskBacking | null): number | null => {
  switch (backing?.kind) {
    case 'program':
      return backing.residentBytes
    case 'kernel':
    case 'pages':
    case undefined:
      return null
  }
}

/**
 * `hdiutil attach ram://` keeps the data in an ordinary process, so it can be compressed and swapped. Attached in the kernel,
 * which needs root, it is wired (morristech/osx-tmpfs README; hdik(8)). Not tested on a Mac yet.
 */
export const howToWire = ({ sizeBytes, volumeName }: RamDiskSpec): string =>
  `To keep it wired, attach it in the kernel, as root (not tested): nexus down --eject; sudo hdik -nomount ${ramImageName(sizeBytes)}; ` +
  `sudo diskutil erasevolume HFS+ ${quoteForShell(volumeName)} /dev/diskN with the disk it names; then nexus up takes it as it is`
