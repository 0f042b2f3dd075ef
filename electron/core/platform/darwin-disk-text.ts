// Parsers of `mount`, `hdiutil attach`, `hdiutil info` and of what diskutil says when a volume is in use.
import { describeCommand } from './describe-command.ts'
import type { Holder } from './platform.ts'

export interface DarwinMount {
  readonly source: string
  readonly mountPoint: string
  readonly filesystem: string
  /** What stands in brackets, such as `local` or `noowners`, the file system first. */
  readonly flags: readonly string[]
}

/** `SOURCE on PATH (hfs, local, ...)`; both names may hold blanks and brackets. Other lines are skipped. */
export const parseMountTable = (text: string): readonly DarwinMount[] =>
  text.split('\n').flatMap((line) => {
    const [, source, mountPoint, flags] = /^(.+?) on (\/.*) \(([^()]+)\)\s*$/.exec(line) ?? []
    const words = flags?.split(',').map((flag) => flag.trim()) ?? []
    const [filesystem] = words
    if (source === undefined || mountPoint === undefined || filesystem === undefined) return []
    return [{ source, mountPoint, filesystem, flags: words }]
  })

/** mount(8): "noowners". Files there are stored without an owner, and every reader is shown as their owner. */
export const ignoresOwners = ({ flags }: DarwinMount): boolean => flags.includes('noowners')

/**
 * Device of an attach. The line is padded with blanks and tabs, which must not become part of the name
 * (zafarella/OSX-RAMDisk#64), and progress or checksum lines may come before it. What follows it is a hint or a mount point;
 * "/dev/disk4 (disk image):" is a line of diskutil.
 */
export const parseAttachedDevice = (text: string): string | null =>
  /^(\/dev\/disk[0-9]+)(?=[ \t]*\r?$|[ \t]+[A-Za-z0-9_/])/m.exec(text)?.[1] ?? null

export type ImageHolder = { readonly kind: 'program'; readonly pid: number } | { readonly kind: 'kernel' }

export interface DiskImage {
  readonly imagePath: string
  /** The process that holds the image's data; null when unknown. */
  readonly holder: ImageHolder | null
  /** As hdiutil lists them: the whole disk first, then partitions and what APFS synthesized from them. */
  readonly devices: readonly { readonly device: string; readonly mountPoint: string | null }[]
}

/** Keys are padded to 16 characters. */
const readKey = (block: string, key: string): string | null =>
  new RegExp(`^${key}[ \\t]*: (.*)$`, 'm').exec(block)?.[1]?.trim() ?? null

/**
 * A `process ID` names the program. That there is no such line says nothing by itself: the one recording of an image
 * attached by root lacks it, and lacks half of the other lines too. So the kernel is taken for the holder only where root
 * attached it (hdik(8) and `attach -kernel` need root) and every line that stands around the missing one is there.
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

/** What `hdiutil info` prints before any image; without an image it prints nothing else (recorded, macOS 15.7.7). */
const infoHead = /^(?:framework|driver)[ \t]*: |^images[ \t]*: 0\s*$/m

const blocksOf = (text: string): readonly string[] =>
  text.split(/^=+\s*$/m).filter((block) => readKey(block, 'image-path') !== null)

/** How many images the text counts before it lists them; null when it doesn't, as with none attached. */
const declaredImages = (text: string): number | null => {
  const declared = /^images[ \t]*: ([0-9]{1,6})\s*$/m.exec(text)?.[1]
  return declared === undefined ? null : Number(declared)
}

/**
 * `hdiutil info`: blocks between lines of `=`, none of them when nothing is attached. An image whose devices are not understood
 * is left out: see `leavesImagesOut`. null when this is another text.
 */
export const parseHdiutilInfo = (text: string): readonly DiskImage[] | null => {
  const images = blocksOf(text).flatMap((block) => {
    const imagePath = readKey(block, 'image-path')
    const devices = parseDeviceLines(block)
    return imagePath === null || devices === null ? [] : [{ imagePath, holder: readHolder(block), devices }]
  })
  return images.length > 0 || infoHead.test(text) ? images : null
}

/** Whether `hdiutil info` has more images than were understood: then a device that was not found may belong to one of them. */
export const leavesImagesOut = (text: string, images: readonly DiskImage[]): boolean => {
  const begun = text.match(/^=+\s*$/gm)?.length ?? 0
  return Math.max(declaredImages(text) ?? 0, begun, blocksOf(text).length) > images.length
}

/**
 * `/dev/disk5s1 TAB hint TAB mount point`; the last two may be missing, and a mount point may hold blanks. A hint holds no
 * slash, so the mount point begins at the first one, tabs or not. null when a line of a device is another, or there is none:
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
  /** false: hdiutil listed more images than were understood. */
  readonly isWhole: boolean
}

/** The RAM disk behind a device; null: it is another disk; `in-doubt`: it may be in the part that was not understood. */
export const findRamImage = (
  { images, isWhole }: ImageList,
  device: string,
): DiskImage | null | 'in-doubt' => {
  const image = findImageOf(images, device)
  if (image === null) return isWhole ? null : 'in-doubt'
  return ramImageBytes(image) === null ? null : image
}

/**
 * Who refused, in the two wordings seen: "dissented by PID 7 (/bin/x)" and "in use by process 7 (Name)", one a line. A name
 * may hold brackets itself: "Google Chrome Helper (Renderer)".
 */
export const parseDissenters = (text: string): readonly Holder[] =>
  [...text.matchAll(/(?:dissented by PID|in use by process) ([0-9]{1,10}) \((.*)\)/g)].map((match) => ({
    pid: Number(match[1]),
    command: describeCommand(null, match[2] ?? null) ?? 'unknown program',
    user: null,
  }))
