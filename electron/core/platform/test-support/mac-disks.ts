// Stands in for hdiutil, diskutil, mount and lsof on disks of a pretended Mac. Beside each line stands what it was taken
// from: a recording below the folder of test-recordings.ts, a public report by its number there, a manual page, or
// "assumed".
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { print, type Reply, refuse } from './mac-reply.ts'
import type { TestImage, TestMacState, TestVolume } from './mac-state.ts'

export const volumesOf = (state: TestMacState): TestVolume[] => state.images.flatMap((image) => image.volumes)
const takeDisk = (state: TestMacState): string => {
  state.nextDisk += 1
  return `/dev/disk${state.nextDisk - 1}`
}
const findImage = (state: TestMacState, device: string): TestImage | undefined =>
  state.images.find(
    (image) => image.device === device || image.volumes.some((volume) => volume.device === device),
  )

/**
 * Two volumes of one name: the second one comes up as "NAME 1" (hdiutil/info-ram-apfs-macos26-shortened.txt). That a folder
 * of that name does the same is general knowledge.
 */
const mountByName = (state: TestMacState, volume: TestVolume): void => {
  const wanted = join(state.volumesFolder, volume.name)
  volume.mountPoint = existsSync(wanted) ? `${wanted} 1` : wanted
  mkdirSync(volume.mountPoint)
}

export const attach = (state: TestMacState, args: readonly string[]): Reply => {
  const imagePath = args.at(-1) ?? ''
  if (!/^ram:\/\/[0-9]+$/.test(imagePath))
    // Assumed, after the wording of hdiutil/detach-no-such-file.txt.
    return refuse(1, 'hdiutil: attach failed - No such file or directory\n')
  const device = takeDisk(state)
  state.images.push({ imagePath, device, helperPid: 4242, volumes: [] })
  // hdiutil/hdik-nomount-ram-ios-restore.txt, byte for byte; the same in attach-nomount-ram-10.13-bash-x-trace.txt.
  return print(`${device.padEnd(20)}\t${' '.repeat(31)}\t\n`)
}

export const info = (state: TestMacState): Reply => {
  const blocks = state.images.map(({ imagePath, device, helperPid, volumes: inside }) => {
    const apfs = inside.some((volume) => volume.filesystem === 'apfs')
    const whole = inside.find((volume) => volume.device === device)
    // The keys of hdiutil/info-ram-apfs-zh_CN-10.14.txt, with the framework's name as info-ram-apfs-macos26-shortened.txt
    // has it. No recording of a whole RAM disk on a current macOS is at hand.
    const lines = [
      `image-path      : ${imagePath}`,
      'shadow-path     : <none>',
      'icon-path       : /System/Library/PrivateFrameworks/DiskImages.framework/Resources/CDiskImage.icns',
      'image-type      : read/write',
      'system-image    : false',
      `blockcount      : ${imagePath.replace('ram://', '')}`,
      'blocksize       : 512',
      'writeable       : TRUE',
      'autodiskmount   : false',
      'removable       : TRUE',
      'image-encrypted : false',
      `mounting user   : ${helperPid === null ? 'root' : 'ana'}`,
      'mounting mode   : <unknown>',
      // That root's image of the kernel has no such line is assumed: the one recorded is shortened.
      ...(helperPid === null ? [] : [`process ID      : ${helperPid}`]),
      'framework name  : DiskImages',
      // Two tabs as in info-ram-apfs-macos26-shortened.txt; that an HFS+ volume on the whole disk has no hint either is
      // assumed, after attach-raw-image-unpartitioned-mounted.txt.
      `${device}\t\t${whole?.mountPoint ?? ''}`,
      ...inside
        .filter((volume) => volume !== whole)
        .flatMap((volume) => [
          // info-ram-apfs-macos26-shortened.txt: the container and its volume.
          ...(apfs ? [`${volume.device.replace(/s1$/, '')}\tEF57347C-0000-11AA-AA11-00306543ECAC\t`] : []),
          `${volume.device}\t41504653-0000-11AA-AA11-00306543ECAC\t${volume.mountPoint ?? ''}`,
        ]),
    ]
    return `${'='.repeat(48)}\n${lines.join('\n')}\n`
  })
  // The head of hdiutil/info-three-dmgs-macos26.txt.
  const head = [
    'framework       : 683.160.3',
    'driver          : 683.160.3',
    // hdiutil/info-no-image-macos15.7.7.txt: without an image this line is left out, and the exit status is 0.
    ...(state.images.length === 0 ? [] : [`images          : ${state.images.length}`]),
  ]
  return print(`${head.join('\n')}\n${blocks.join('')}`)
}

export const detach = (state: TestMacState, args: readonly string[]): Reply => {
  const image = findImage(state, args.at(-1) ?? '')
  // hdiutil/detach-no-such-file.txt; its exit status is assumed.
  if (image === undefined) return refuse(1, 'hdiutil: detach failed - No such file or directory\n')
  const name = image.device.replace('/dev/', '')
  const inUse = image.volumes.some((volume) => volume.mountPoint !== null) && state.holders.length > 0
  if (inUse && !args.includes('-force'))
    // hdiutil/detach-busy-then-ejected.txt; exit status 16 of detach-busy-os-error-16-tahoe.txt.
    return refuse(16, `hdiutil: couldn't unmount "${name}" - Resource busy\n`)
  const mounted = image.volumes.flatMap(({ mountPoint }) => mountPoint ?? [])
  for (const mountPoint of mounted) takeAway(mountPoint)
  state.images = state.images.filter((other) => other !== image)
  // hdiutil/eject-by-mountpoint-ok.txt; only the second line where nothing was mounted, as in detach-busy-then-ejected.txt.
  return print(`${mounted.length > 0 ? `"${name}" unmounted.\n` : ''}"${name}" ejected.\n`)
}

/**
 * Of mount and eject (ids 7024516204, 27931314381); that the other words of diskutil say it too, and its exit status, are
 * assumed.
 */
const noDisk = (device: string): string => `Unable to find disk for ${device}\n`

export const eraseVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const [, , name = '', device = ''] = args
  const image = findImage(state, device)
  if (image === undefined) return refuse(1, noDisk(device))
  const volume: TestVolume = { device, name, filesystem: 'hfs', mountPoint: null, owners: false }
  image.volumes.push(volume)
  mountByName(state, volume)
  const disk = device.replace('/dev/', '')
  // diskutil/erasevolume-hfs-ram-512mb-space-in-name.txt; from a gigabyte on it counts those (ids 31987391472, 10096764469).
  const megabytes = (Number(image.imagePath.replace('ram://', '')) * 512) / 2 ** 20
  const size = megabytes < 1024 ? `${megabytes} MB` : `${Math.floor(megabytes / 1024)} GB`
  return print(
    `Started erase on ${disk}\nUnmounting disk\nErasing\nInitialized /dev/r${disk} as a ${size} case-insensitive HFS Plus volume\nMounting disk\nFinished erase on ${disk} (${name})\n`,
  )
}

export const createApfs = (state: TestMacState, args: readonly string[]): Reply => {
  const [, , device = '', name = ''] = args
  const image = findImage(state, device)
  if (image === undefined) return refuse(1, noDisk(device))
  const container = takeDisk(state)
  const volume: TestVolume = {
    device: `${container}s1`,
    name,
    filesystem: 'apfs',
    mountPoint: null,
    owners: false,
  }
  image.volumes.push(volume)
  mountByName(state, volume)
  // diskutil/apfs-createContainer-ram-macos26.txt, with the lines before it from apfs-createContainer-fusion.txt.
  const [under, made] = [device, container].map((path) => path.replace('/dev/', ''))
  return print(
    `Started APFS operation on ${under}\nCreating a new empty APFS Container\nUnmounting Volumes\nSwitching ${under} to APFS\nCreating APFS Container\nCreated new APFS Container ${made}\nDisk from APFS operation: ${made}\nFinished APFS operation on ${under}\n`,
  )
}

export const mountVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args.at(-1))
  if (volume === undefined) return refuse(1, noDisk(args.at(-1) ?? ''))
  volume.mountPoint = args[2] ?? ''
  // Without a mount point of one's own it says so (ids 27931314381, 38199608003), with /dev/ as it was given; with one:
  // assumed.
  return print(`Volume ${volume.name} on ${volume.device} mounted\n`)
}

export const enableOwnership = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args[1] || other.mountPoint === args[1])
  if (volume === undefined) return refuse(1, noDisk(args[1] ?? ''))
  // diskutil(8), enableOwnership: "Running as root is required". The wording of the refusal is assumed.
  if (!state.isRoot) return refuse(1, 'Error: -69877: You must be root to do this\n')
  volume.owners = true
  // Public report, id 60367137320 (there with sudo).
  return print('File system user/group ownership enabled\n')
}

/** At once, as a volume goes: the core may be writing to it. */
const takeAway = (mountPoint: string): void => {
  const aside = `${mountPoint}.${process.pid}.gone`
  renameSync(mountPoint, aside)
  rmSync(aside, { recursive: true, force: true, maxRetries: 5 })
}

export const unmountVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args.at(-1))
  if (volume === undefined) return refuse(1, noDisk(args.at(-1) ?? ''))
  if (volume.mountPoint !== null) takeAway(volume.mountPoint)
  volume.mountPoint = null
  // Public reports, ids 31330469915 and 26824028969.
  return print(`Volume ${volume.name} on ${volume.device.replace('/dev/', '')} unmounted\n`)
}

/**
 * A RAM disk as ids 59166210149 and 60958994349 show it: without owners, and with who mounted it. With owners as
 * mount/macos26-hfs-exfat-fskit.txt has one; that who mounted it is then told too is assumed.
 */
export const mountTable = (state: TestMacState): Reply => {
  const lines = volumesOf(state).flatMap(({ device, mountPoint, filesystem, owners }) =>
    mountPoint === null
      ? []
      : [
          `${device} on ${mountPoint} (${filesystem}, local, nodev, nosuid${owners ? '' : ', noowners'}, mounted by ${state.isRoot ? 'root' : 'ana'})`,
        ],
  )
  return print(
    [
      // mount/macos26-hfs-exfat-fskit.txt
      '/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)',
      ...state.otherMounts,
      ...lines,
      '',
    ].join('\n'),
  )
}

/**
 * `lsof -F pcLn +f -- MOUNTPOINT`: exit status 1 with nothing found (lsof(8)). The lines are those of
 * lsof/fields-pcn-iTCP-2026.txt, with `L` after the manual page; no recording of +f is at hand.
 */
export const openFiles = (state: TestMacState, args: readonly string[]): Reply => {
  const at = args.at(-1) ?? ''
  if (!volumesOf(state).some((volume) => volume.mountPoint === at) || state.holders.length === 0)
    return refuse(1, '')
  return print(
    state.holders.map(({ pid, command, user }) => `p${pid}\nc${command}\nL${user}\nf3\nn${at}/x\n`).join(''),
  )
}
