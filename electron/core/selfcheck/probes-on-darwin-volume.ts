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
import { describeFailure, type RunCommand } from '../platform/run-command.ts'
import { fail, type Probe, pass } from './probe.ts'
import type { OnDisk } from './probes-on-forge.ts'

const quickMs = 15_000
const diskLimitMs = 40_000

const readImages = async (run: RunCommand) => {
  const result = await run(['hdiutil', 'info'])
  return result.kind === 'exited' ? parseHdiutilInfo(result.stdout) : null
}

/** Runs before ours is attached: without images hdiutil prints only two lines (recorded on 15.7.7 and 26). */
export const probeOnImages: Probe = {
  id: 'forge.images',
  group: 'Build Forge',
  assumed: 'hdiutil info can be parsed, even without attached images',
  limitMs: quickMs,
  run: async ({ run }) => {
    const images = await readImages(run)
    if (images === null) return fail('could not parse hdiutil info: RAM disks cannot be created or ejected')
    const ram = images.filter((image) => ramImageBytes(image) !== null).length
    return pass(`${images.length} images, ${ram} of them RAM disks`)
  },
}

const readMountOf = async (run: RunCommand, mountPoint: string) => {
  const result = await run(['mount'])
  const table = result.kind === 'exited' ? parseMountTable(result.stdout) : []
  return table.find((entry) => entry.mountPoint === mountPoint) ?? null
}

export const probesOnDarwinVolume = (onDisk: OnDisk): readonly Probe[] => [
  onDisk(
    {
      id: 'forge.image',
      assumed: 'hdiutil info lists our disk with its mount point, and the Finder hides it (nobrowse)',
      limitMs: quickMs,
    },
    async ({ mountPoint }, _, { run }) => {
      const images = await readImages(run)
      const mount = await readMountOf(run, mountPoint)
      if (images === null) return fail('could not parse hdiutil info with a RAM disk attached')
      if (mount === null) return fail(`the mount table has nothing at ${mountPoint}`)
      const image = findImageOf(images, mount.source)
      if (image === null) return fail(`hdiutil info does not list ${mount.source}`)
      const entry = image.devices.find(({ device }) => device === mount.source)
      const said = `${image.imagePath}, ${mount.filesystem}, ${mount.flags.join(' ')}, held by ${JSON.stringify(image.holder)}`
      if (ramImageBytes(image) === null || entry?.mountPoint !== mountPoint) return fail(said)
      return mount.flags.includes('nobrowse') ? pass(said) : fail(`${said}: the Finder shows it`)
    },
  ),
  onDisk(
    {
      id: 'forge.device-removed',
      assumed: 'a second image, attached but never formatted, detaches completely',
      limitMs: diskLimitMs,
    },
    async (_, __, tools) => {
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
      const left = findImageOf((await readImages(tools.run)) ?? [], attached)
      if (left !== null) return fail(`${attached} is still attached: ${describeFailure(detached)}`)
      device = null
      return pass(`${attached}, detached again`)
    },
  ),
  onDisk(
    {
      id: 'forge.owners',
      assumed: 'ownership is ignored on it, and diskutil enableOwnership needs root (diskutil(8))',
      limitMs: diskLimitMs,
    },
    async ({ mountPoint }, _, { run }) => {
      const before = await readMountOf(run, mountPoint)
      const result = await run(['diskutil', 'enableOwnership', mountPoint])
      const after = await readMountOf(run, mountPoint)
      const ignoresOwners = (mount: typeof before) => mount?.flags.includes('noowners') === true
      const said = `ownership ${ignoresOwners(before) ? 'ignored' : 'honoured'} before and ${ignoresOwners(after) ? 'ignored' : 'honoured'} after enableOwnership (${describeFailure(result)})`
      return ignoresOwners(after) ? pass(said) : fail(`${said}: files do have owners`)
    },
  ),
  onDisk(
    {
      id: 'forge.spotlight',
      assumed: 'the marker file keeps Spotlight off the volume',
      limitMs: quickMs,
    },
    async ({ mountPoint }, _, { run }) => {
      const result = await run(['mdutil', '-s', mountPoint])
      const said =
        result.kind === 'exited' ? `${result.stdout} ${result.stderr}`.replaceAll(/\s+/g, ' ').trim() : ''
      if (/indexing (?:and searching )?enabled/i.test(said)) return fail(said)
      return /disabled|no index|unknown indexing state/i.test(said)
        ? pass(said)
        : fail(`mdutil -s: ${describeFailure(result)}`)
    },
  ),
  onDisk(
    {
      id: 'forge.privacy',
      assumed:
        'system programs can read it too: privacy (TCC) does not deny the volume to launchd jobs or SSH',
      limitMs: quickMs,
    },
    async ({ mountPoint }, _, { run }) => {
      const path = join(mountPoint, 'privacy')
      await writeFile(path, 'readable')
      const result = await run(['cat', path])
      if (result.kind === 'exited' && result.stdout === 'readable') return pass('written here, read by cat')
      return fail(
        `${describeFailure(result)}: allow full disk access for remote users (System Settings, General, Sharing, Remote Login)`,
      )
    },
  ),
]
