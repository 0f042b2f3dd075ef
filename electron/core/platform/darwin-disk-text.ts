// Parsers of `mount`, `hdiutil attach`, `hdiutil info` and diskutil's messages for a busy volume.
import { describeCommand } from './describe-command.ts'
import type { Holder } from './platform.ts'

export type DarwinMount = Readonly<ReturnType<typeof parseMountTable>[number]>

/** `SOURCE on PATH (hfs, local, ...)`; both names may contain blanks and brackets. Skips other lines. */
export const parseMountTable = (text: string) =>
  text.split('\n').flatMap((line) => {
    const [, source, mountPoint, flags] = /^(.+?) on (\/.*) \(([^()]+)\)\s*$/.exec(line) ?? []
    const words = flags?.split(',').map((flag) => flag.trim()) ?? []
    const [filesystem] = words
    if (source === undefined || mountPoint === undefined || filesystem === undefined) return []
    // The flags are the words in brackets, such as `local` or `noowners`; the file system comes first.
    return [{ source, mountPoint, filesystem, flags: words }]
  })

/** mount(8): "noowners". Files there have no stored owner; every user appears as their owner. */
export const ignoresOwners = ({ flags }: DarwinMount): boolean => flags.includes('noowners')

/**
 * The device of an attach. The line is padded with blanks and tabs, which must not become part of the name
 * (zafarella/OSX-RAMDisk#64), and may follow progress or checksum lines. A hint or mount point may follow the device;
 * "/dev/disk4 (disk image):" is a line of diskutil.
 */
export const parseAttachedDevice = (text: string): string | null =>
  /^(\/dev\/disk[0-9]+)(?=[ \t]*\r?$|[ \t]+[A-Za-z0-9_/])/m.exec(text)?.[1] ?? null

export type ImageHolder = { readonly kind: 'program'; readonly pid: number } | { readonly kind: 'kernel' }

export interface DiskImage {
  readonly imagePath: string
  /** The process that holds the image's data; null when unknown. */
  readonly holder: ImageHolder | null
  /** In hdiutil's order: the whole disk first, then partitions and the disks that APFS synthesized from them. */
  readonly devices: readonly { readonly device: string; readonly mountPoint: string | null }[]
}

/** Keys are padded to 16 characters. */
const readKey = (block: string, key: string): string | null =>
  new RegExp(`^${key}[ \\t]*: (.*)$`, 'm').exec(block)?.[1]?.trim() ?? null

/**
 * A `process ID` line names the program. A missing line alone proves nothing: the one recording of an image attached by root
 * lacks it, along with half of the other lines. So the holder is the kernel only if root attached it (hdik(8) and
 * `attach -kernel` need root) and every line around the missing one is there.
 */
const readHolder = (block: string): ImageHolder | null => {
  const process = readKey(block, 'process ID')
  if (process !== null)
    return /^[1-9][0-9]{0,9}$/.test(process) ? { kind: 'program', pid: Number(process) } : null
  const isWhole = ['image-type', 'blockcount', 'blocksize', 'writeable', 'mounting mode'].every(
    (key) => readKey(block, key) !== null,
  )
  return isWhole && readKey(block, 'mounting user') === 'root' ? { kind: 'kernel' } : null
}

/** The head of `hdiutil info`; without an image it prints nothing else (recorded, macOS 15.7.7). */
const infoHead = /^(?:framework|driver)[ \t]*: |^images[ \t]*: 0\s*$/m

const blocksOf = (text: string): readonly string[] =>
  text.split(/^=+\s*$/m).filter((block) => readKey(block, 'image-path') !== null)

/** The number of images that the text announces; null without one, as when none is attached. */
const declaredImages = (text: string): number | null => {
  const declared = /^images[ \t]*: ([0-9]{1,6})\s*$/m.exec(text)?.[1]
  return declared === undefined ? null : Number(declared)
}

/**
 * `hdiutil info`: blocks between lines of `=`, none when nothing is attached. Skips an image whose devices are not understood:
 * see `leavesImagesOut`. null when this is another text.
 */
export const parseHdiutilInfo = (text: string): readonly DiskImage[] | null => {
  const images = blocksOf(text).flatMap((block) => {
    const imagePath = readKey(block, 'image-path')
    const devices = parseDeviceLines(block)
    return imagePath === null || devices === null ? [] : [{ imagePath, holder: readHolder(block), devices }]
  })
  return images.length > 0 || infoHead.test(text) ? images : null
}

/** Whether `hdiutil info` has more images than were understood; a device that was not found may then belong to one of those. */
export const leavesImagesOut = (text: string, images: readonly DiskImage[]): boolean => {
  const begun = text.match(/^=+\s*$/gm)?.length ?? 0
  return Math.max(declaredImages(text) ?? 0, begun, blocksOf(text).length) > images.length
}

/**
 * `/dev/disk5s1 TAB hint TAB mount point`; the last two may be missing, and a mount point may contain blanks. A hint has no
 * slash, so the mount point begins at the first slash, tabs or not. null when a device line has another format or is missing:
 * every attached image has a device.
 */
const parseDeviceLines = (block: string): DiskImage['devices'] | null => {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith('/dev/'))
  const devices = lines.map((line) => {
    const [, device, rest = ''] = /^(\/dev\/disk[0-9]+(?:s[0-9]+)*)(?:[ \t]+(.*))?$/.exec(line) ?? []
    const [, mountPoint] = /(?:^|[ \t])(\/.*)$/.exec(rest.trim()) ?? []
    return device === undefined ? null : { device, mountPoint: mountPoint ?? null }
  })
  const known = devices.filter((entry) => entry !== null)
  return known.length === devices.length && known.length > 0 ? known : null
}

/** A sector of a ram:// image is 512 bytes: 64 GiB is exactly ram://134217728. */
const ramSectorBytes = 512

export const wholeSectors = (sizeBytes: number): number =>
  Math.ceil(sizeBytes / ramSectorBytes) * ramSectorBytes

export const ramImageName = (sizeBytes: number): string => `ram://${wholeSectors(sizeBytes) / ramSectorBytes}`

/** Size of a RAM disk; null for an image that is not one. */
export const ramImageBytes = (image: DiskImage): number | null => {
  const bytes = Number(/^ram:\/\/([0-9]+)$/.exec(image.imagePath)?.[1]) * ramSectorBytes
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : null
}

export const findImageOf = (images: readonly DiskImage[], device: string): DiskImage | null =>
  images.find((image) => image.devices.some((entry) => entry.device === device)) ?? null

export interface ImageList {
  readonly images: readonly DiskImage[]
  /** false: hdiutil listed images that were not understood. */
  readonly isWhole: boolean
}

/** The RAM disk of a device; null: another disk; `in-doubt`: it may be among the images that were not understood. */
export const findRamImage = (
  { images, isWhole }: ImageList,
  device: string,
): DiskImage | null | 'in-doubt' => {
  const image = findImageOf(images, device)
  if (image === null) return isWhole ? null : 'in-doubt'
  return ramImageBytes(image) === null ? null : image
}

/**
 * The processes that refused, in the two forms seen: "dissented by PID 7 (/bin/x)" and "in use by process 7 (Name)", one per
 * line. A name may contain brackets: "Google Chrome Helper (Renderer)".
 */
export const parseDissenters = (text: string): readonly Holder[] =>
  [...text.matchAll(/(?:dissented by PID|in use by process) ([0-9]{1,10}) \((.*)\)/g)].map((match) => ({
    pid: Number(match[1]),
    command: describeCommand(null, match[2] ?? null) ?? 'unknown program',
    user: null,
  }))
