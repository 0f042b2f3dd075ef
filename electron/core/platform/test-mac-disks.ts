// Stands in for hdiutil, diskutil, mount and lsof on disks of a pretended Mac: prints what the recorded outputs show.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { print, type Reply, refuse } from './test-mac-reply.ts'
import type { TestImage, TestMacState, TestVolume } from './test-mac-state.ts'

export const volumesOf = (state: TestMacState): TestVolume[] => state.images.flatMap((image) => image.volumes)
const takeDisk = (state: TestMacState): string => {
  state.nextDisk += 1
  return `/dev/disk${state.nextDisk - 1}`
}
const findImage = (state: TestMacState, device: string): TestImage | undefined =>
  state.images.find(
    (image) => image.device === device || image.volumes.some((volume) => volume.device === device),
  )

/** Two volumes of one name, or a folder standing there: the second one comes up as "NAME 1". */
const mountByName = (state: TestMacState, volume: TestVolume): void => {
  const wanted = join(state.volumesFolder, volume.name)
  volume.mountPoint = existsSync(wanted) ? `${wanted} 1` : wanted
  mkdirSync(volume.mountPoint)
}

export const attach = (state: TestMacState, args: readonly string[]): Reply => {
  const imagePath = args.at(-1) ?? ''
  if (!/^ram:\/\/[0-9]+$/.test(imagePath))
    return refuse(1, 'hdiutil: attach failed - No such file or directory\n')
  const device = takeDisk(state)
  state.images.push({ imagePath, device, helperPid: 4242, volumes: [] })
  return print(`${device.padEnd(20)}\t${' '.repeat(31)}\t\n`)
}

export const info = (state: TestMacState): Reply => {
  const blocks = state.images.map(({ imagePath, device, helperPid, volumes: inside }) => {
    const apfs = inside.some((volume) => volume.filesystem === 'apfs')
    const whole = inside.find((volume) => volume.device === device)
    const lines = [
      `image-path      : ${imagePath}`,
      'shadow-path     : <none>',
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
      ...(helperPid === null ? [] : [`process ID      : ${helperPid}`]),
      'framework name  : DiskImages',
      `${device}\t\t${whole?.mountPoint ?? ''}`,
      ...inside
        .filter((volume) => volume !== whole)
        .flatMap((volume) => [
          ...(apfs ? [`${volume.device.replace(/s1$/, '')}\tEF57347C-0000-11AA-AA11-00306543ECAC\t`] : []),
          `${volume.device}\t41504653-0000-11AA-AA11-00306543ECAC\t${volume.mountPoint ?? ''}`,
        ]),
    ]
    return `${'='.repeat(48)}\n${lines.join('\n')}\n`
  })
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
  if (image === undefined) return refuse(1, 'hdiutil: detach failed - No such file or directory\n')
  const name = image.device.replace('/dev/', '')
  const inUse = image.volumes.some((volume) => volume.mountPoint !== null) && state.holders.length > 0
  if (inUse && !args.includes('-force'))
    return refuse(16, `hdiutil: couldn't unmount "${name}" - Resource busy\n`)
  for (const { mountPoint } of image.volumes) if (mountPoint !== null) rmSync(mountPoint, { recursive: true })
  state.images = state.images.filter((other) => other !== image)
  return print(`"${name}" unmounted.\n"${name}" ejected.\n`)
}

export const eraseVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const [, , name = '', device = ''] = args
  const image = findImage(state, device)
  if (image === undefined) return refuse(1, `Unable to find disk for ${device}\n`)
  const volume: TestVolume = { device, name, filesystem: 'hfs', mountPoint: null, owners: false }
  image.volumes.push(volume)
  mountByName(state, volume)
  const disk = device.replace('/dev/', '')
  const size = `${(Number(image.imagePath.replace('ram://', '')) * 512) / 2 ** 20} MB`
  return print(
    `Started erase on ${disk}\nUnmounting disk\nErasing\nInitialized /dev/r${disk} as a ${size} case-insensitive HFS Plus volume\nMounting disk\nFinished erase on ${disk} (${name})\n`,
  )
}

export const createApfs = (state: TestMacState, args: readonly string[]): Reply => {
  const [, , device = '', name = ''] = args
  const image = findImage(state, device)
  if (image === undefined) return refuse(1, `Could not find disk: ${device}\n`)
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
  const [under, made] = [device, container].map((path) => path.replace('/dev/', ''))
  return print(
    `Started APFS operation on ${under}\nCreating a new empty APFS Container\nUnmounting Volumes\nSwitching ${under} to APFS\nCreating APFS Container\nCreated new APFS Container ${made}\nDisk from APFS operation: ${made}\nFinished APFS operation on ${under}\n`,
  )
}

export const mountVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args.at(-1))
  if (volume === undefined) return refuse(1, `Unable to find disk for ${args.at(-1)}\n`)
  volume.mountPoint = args[2] ?? ''
  return print(`Volume ${volume.name} on ${volume.device} mounted\n`)
}

export const enableOwnership = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args[1] || other.mountPoint === args[1])
  if (volume === undefined) return refuse(1, `Could not find disk: ${args[1]}\n`)
  // diskutil(8), enableOwnership: "Running as root is required". The wording of the refusal is assumed.
  if (!state.isRoot) return refuse(1, 'Error: -69877: You must be root to do this\n')
  volume.owners = true
  return print(`File system user/group ownership enabled\n`)
}

export const unmountVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args.at(-1))
  if (volume === undefined) return refuse(1, `Unable to find disk for ${args.at(-1)}\n`)
  if (volume.mountPoint !== null) rmSync(volume.mountPoint, { recursive: true })
  volume.mountPoint = null
  return print(`Volume ${volume.name} on ${volume.device} unmounted\n`)
}

export const mountTable = (state: TestMacState): Reply => {
  const lines = volumesOf(state).flatMap(({ device, mountPoint, filesystem, owners }) =>
    mountPoint === null
      ? []
      : [`${device} on ${mountPoint} (${filesystem}, local, nodev, nosuid${owners ? '' : ', noowners'})`],
  )
  return print(
    [
      '/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)',
      ...state.otherMounts,
      ...lines,
      '',
    ].join('\n'),
  )
}

/** `lsof +f -- MOUNTPOINT`: exit status 1 with nothing found. */
export const openFiles = (state: TestMacState, args: readonly string[]): Reply => {
  const at = args.at(-1) ?? ''
  if (!volumesOf(state).some((volume) => volume.mountPoint === at) || state.holders.length === 0)
    return refuse(1, '')
  return print(
    state.holders.map(({ pid, command, user }) => `p${pid}\nc${command}\nL${user}\nf3\nn${at}/x\n`).join(''),
  )
}
