// How to keep the memory that a RAM disk holds from being swapped.
import { quoteForShell } from '../../wording/shell-quote.ts'
import { ramImageName } from '../platform/darwin-disk-text.ts'
import type { RamDiskSpec } from '../platform/platform.ts'

/**
 * `hdiutil attach ram://` keeps the data in an ordinary process, so it can be compressed and swapped. Attached in the kernel,
 * which needs root, it is wired (morristech/osx-tmpfs README; hdik(8)). Not tested on a Mac yet.
 */
export const howToWire = ({ sizeBytes, volumeName }: RamDiskSpec): string =>
  `To keep it wired, attach it in the kernel, as root (not tested): nexus down --eject; sudo hdik -nomount ${ramImageName(sizeBytes)}; ` +
  `sudo diskutil erasevolume HFS+ ${quoteForShell(volumeName)} /dev/diskN with the disk it names; then nexus up takes it as it is`
