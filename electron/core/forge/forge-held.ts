// What a RAM disk really holds of memory, and what is known to keep that from being swapped.
import { quoteForShell } from '../../wording/shell-quote.ts'
import { ramImageName } from '../platform/darwin-disk-text.ts'
import type { RamDiskBacking, RamDiskSpec } from '../platform/platform.ts'

/** What its program has in memory; null where unknown, or where it adds nothing to what is used (tmpfs). */
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
 * `hdiutil attach ram://` keeps the data in an ordinary program, so it can be compressed and swapped; attached in the kernel,
 * which needs root, it is wired (morristech/osx-tmpfs README; hdik(8)). Not tried on a Mac yet.
 */
export const howToWire = ({ sizeBytes, volumeName }: RamDiskSpec): string =>
  `To keep it wired, attach it in the kernel, as root (untried by us): nexus down --eject; sudo hdik -nomount ${ramImageName(sizeBytes)}; ` +
  `sudo diskutil erasevolume HFS+ ${quoteForShell(volumeName)} /dev/diskN with the disk it names; then nexus up takes it as it is`
