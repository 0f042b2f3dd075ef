// Parsers of `mount`, `hdiutil attach`, `hdiutil info` and of what diskutil says when a volume is in use.
import type { Holder } from './platform.ts'

export interface DarwinMount {
  readonly source: string
  readonly mountPoint: string
  readonly filesystem: string
}

/** `SOURCE on PATH (hfs, local, ...)`; both names may hold blanks and brackets. Other lines are skipped. */
export const parseMountTable = (text: string): readonly DarwinMount[] =>
  text.split('\n').flatMap((line) => {
    const [, source, mountPoint, flags] = /^(.+?) on (\/.*) \(([^()]+)\)\s*$/.exec(line) ?? []
    const filesystem = flags?.split(',')[0]?.trim()
    if (source === undefined || mountPoint === undefined || filesystem === undefined) return []
    return [{ source, mountPoint, filesystem }]
  })

/**
 * Device of an attach. The line is padded with blanks and tabs, which must not become part of the name
 * (zafarella/OSX-RAMDisk#64), and progress or checksum lines may come before it.
 */
export const parseAttachedDevice = (text: string): string | null =>
  /^(\/dev\/disk[0-9]+)(?:\s|$)/m.exec(text)?.[1] ?? null

export interface DiskImage {
  readonly imagePath: string
  /** The helper program that holds the image's data; null for an image that the kernel holds itself. */
  readonly helperPid: number | null
  /** As hdiutil lists them: the whole disk first, then partitions and what APFS synthesized from them. */
  readonly devices: readonly { readonly device: string; readonly mountPoint: string | null }[]
}

/** `hdiutil info`: blocks between lines of `=`. null when it is not such a text, or was cut short. */
export const parseHdiutilInfo = (text: string): readonly DiskImage[] | null => {
  const images = text.split(/^=+\s*$/m).flatMap((block): DiskImage[] => {
    const imagePath = /^image-path\s*: (.*)$/m.exec(block)?.[1]?.trim()
    const helper = /^process ID\s*: ([0-9]+)\s*$/m.exec(block)?.[1]
    const helperPid = helper === undefined ? null : Number(helper)
    return imagePath === undefined ? [] : [{ imagePath, helperPid, devices: parseDeviceLines(block) }]
  })
  const declared = /^images\s*: ([0-9]+)\s*$/m.exec(text)?.[1]
  if (declared === undefined) return images.length === 0 ? null : images
  return Number(declared) === images.length ? images : null
}

/** `/dev/disk5s1 TAB hint TAB mount point`; the last two may be missing, and a mount point may hold blanks. */
const parseDeviceLines = (block: string): DiskImage['devices'] =>
  [...block.matchAll(/^(\/dev\/disk[0-9s]+)[ ]*(?:\t([^\t\n]*)(?:\t([^\n]*))?)?$/gm)].map((match) => {
    const mountPoint = match[3]?.trim() ?? ''
    return { device: match[1] ?? '', mountPoint: mountPoint === '' ? null : mountPoint }
  })

/** A sector of a ram:// image is 512 bytes: 64 GiB is exactly ram://134217728. */
const ramSectorBytes = 512

export const wholeSectors = (sizeBytes: number): number =>
  Math.ceil(sizeBytes / ramSectorBytes) * ramSectorBytes

export const ramImageName = (sizeBytes: number): string => `ram://${wholeSectors(sizeBytes) / ramSectorBytes}`

/** Size of a RAM disk; null for an image that is not one. */
export const ramImageBytes = (image: DiskImage): number | null => {
  const digits = /^ram:\/\/([0-9]+)$/.exec(image.imagePath)?.[1]
  return digits === undefined ? null : Number(digits) * ramSectorBytes
}

export const findImageOf = (images: readonly DiskImage[], device: string): DiskImage | null =>
  images.find((image) => image.devices.some((entry) => entry.device === device)) ?? null

/** Who refused, in the two wordings seen: "dissented by PID 7 (/bin/x)" and "in use by process 7 (Name)". */
export const parseDissenters = (text: string): readonly Holder[] =>
  [...text.matchAll(/(?:dissented by PID|in use by process) ([0-9]+) \(([^)\n]*)\)/g)].map((match) => ({
    pid: Number(match[1]),
    command: match[2] ?? '',
    user: null,
  }))
