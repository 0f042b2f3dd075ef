// Probes on how macOS reports a RAM disk and its volume.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  findImageOf,
  parseAttachedDevice,
  parseHdiutilInfo,
  parseMountTable,
  ramImageBytes,
  ramImageName,
} from '../platform/darwin-disk-text.ts'
import type { Platform, RamDiskSpec } from '../platform/platform.ts'
import { describeFailure, type RunCommand } from '../platform/run-command.ts'
import { type Finding, fail, inGroup, judged, outputOf, type Probe, type ProbeTools, pass } from './probe.ts'

const probe = inGroup('Build Forge', 40_000)

/** Throws when hdiutil fails, or its listing can't be parsed. */
const readImages = async (run: RunCommand) => {
  const images = parseHdiutilInfo(await outputOf(run, ['hdiutil', 'info']))
  if (images === null) throw new Error('could not parse hdiutil info: RAM disks cannot be created or ejected')
  return images
}

/** Runs before ours is attached: without images hdiutil prints only two lines (recorded on 15.7.7 and 26). */
export const probeOnImages: Probe = probe(
  'forge.images',
  'hdiutil info can be parsed, even without attached images',
  async ({ run }) => {
    const images = await readImages(run)
    const ram = images.filter((image) => ramImageBytes(image) !== null).length
    return pass(`${images.length} images, ${ram} of them RAM disks`)
  },
)

/** Work on the disk that an earlier probe mounted. */
export type OnDisk = (
  work: (spec: RamDiskSpec, platform: Platform, tools: ProbeTools) => Promise<Finding>,
) => Probe['run']

const readMountOf = async (run: RunCommand, mountPoint: string) =>
  parseMountTable(await outputOf(run, ['mount'])).find((entry) => entry.mountPoint === mountPoint) ?? null

export const probesOnDarwinVolume = (onDisk: OnDisk): readonly Probe[] => [
  probe(
    'forge.image',
    'hdiutil info lists our disk with its mount point, and the Finder hides it (nobrowse)',
    onDisk(async ({ mountPoint }, _, { run }) => {
      const images = await readImages(run)
      const mount = await readMountOf(run, mountPoint)
      if (mount === null) return fail(`the mount table has nothing at ${mountPoint}`)
      const image = findImageOf(images, mount.source)
      if (image === null) return fail(`hdiutil info does not list ${mount.source}`)
      const entry = image.devices.find(({ device }) => device === mount.source)
      const said = `${image.imagePath}, ${mount.filesystem}, ${mount.flags.join(' ')}, held by ${JSON.stringify(image.holder)}`
      if (ramImageBytes(image) === null || entry?.mountPoint !== mountPoint) return fail(said)
      return judged(mount.flags.includes('nobrowse'), said, ': the Finder shows it')
    }),
  ),
  probe(
    'forge.device-removed',
    'a second image, attached but never formatted, detaches completely',
    onDisk(async (_, __, tools) => {
      const attach = tools.run(['hdiutil', 'attach', '-nobrowse', '-nomount', ramImageName(4 * 2 ** 20)], {
        mayLeaveChildren: true,
      })
      let device: string | null = null
      tools.defer({
        what: 'a RAM disk of 4 MiB without a volume',
        command: 'hdiutil info, then hdiutil detach -force /dev/diskN',
        undo: async () => {
          await attach
          if (device !== null) await tools.run(['hdiutil', 'detach', '-force', device])
        },
      })
      const result = await attach
      device = result.kind === 'exited' ? parseAttachedDevice(result.stdout) : null
      if (device === null) return fail(`hdiutil attach: ${describeFailure(result)}`)
      const attached = device
      const detached = await tools.run(['hdiutil', 'detach', attached])
      if (findImageOf(await readImages(tools.run), attached) !== null)
        return fail(`${attached} is still attached: ${describeFailure(detached)}`)
      device = null
      return pass(`${attached}, detached again`)
    }),
  ),
  probe(
    'forge.owners',
    'ownership is ignored on it, and diskutil enableOwnership needs root (diskutil(8))',
    onDisk(async ({ mountPoint }, _, { run }) => {
      const result = await run(['diskutil', 'enableOwnership', mountPoint])
      const isIgnored = (await readMountOf(run, mountPoint))?.flags.includes('noowners') === true
      const said = `ownership is ${isIgnored ? 'ignored' : 'honoured'} after enableOwnership (${describeFailure(result)})`
      return judged(isIgnored, said, ': files do have owners')
    }),
  ),
  probe(
    'forge.spotlight',
    'the marker file keeps Spotlight off the volume',
    onDisk(async ({ mountPoint }, _, { run }) => {
      const result = await run(['mdutil', '-s', mountPoint])
      const said =
        result.kind === 'exited' ? `${result.stdout} ${result.stderr}`.replaceAll(/\s+/g, ' ').trim() : ''
      if (/indexing (?:and searching )?enabled/i.test(said)) return fail(said)
      return /disabled|no index|unknown indexing state/i.test(said)
        ? pass(said)
        : fail(`mdutil -s: ${describeFailure(result)}`)
    }),
  ),
  probe(
    'forge.privacy',
    'system programs can read it too: privacy (TCC) does not deny the volume to launchd jobs or SSH',
    onDisk(async ({ mountPoint }, _, { run }) => {
      const path = join(mountPoint, 'privacy')
      await writeFile(path, 'readable')
      const result = await run(['cat', path])
      if (result.kind === 'exited' && result.stdout === 'readable') return pass('written here, read by cat')
      return fail(
        `${describeFailure(result)}: allow full disk access for remote users (System Settings, General, Sharing, Remote Login)`,
      )
    }),
  ),
]
