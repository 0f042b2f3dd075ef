// Stands in for hdiutil, diskutil, mount, lsof and others on a pretended Mac: prints what the recorded outputs show.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestImage, TestMacState, TestVolume } from './test-mac-state.ts'

export interface Reply {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const print = (stdout: string): Reply => ({ exitCode: 0, stdout, stderr: '' })
const refuse = (exitCode: number, stderr: string): Reply => ({ exitCode, stdout: '', stderr })

/** Changes the state as the command would change the Mac, and answers what it would print. */
export const answerCommand = (state: TestMacState, command: string, args: readonly string[]): Reply => {
  const failure = state.failing[`${command} ${args[0]}`]
  if (failure !== undefined) return failure
  if (command === 'lsof' && args.includes('+f')) return openFiles(state, args)
  if (command === 'mount') return state.replies['mount'] ?? mountTable(state)
  switch (`${command} ${args[0]}`) {
    case 'hdiutil attach':
      return attach(state, args)
    case 'hdiutil info':
      return info(state)
    case 'hdiutil detach':
      return detach(state, args)
    case 'diskutil erasevolume':
      return eraseVolume(state, args)
    case 'diskutil apfs':
      return createApfs(state, args)
    case 'diskutil mount':
      return mountVolume(state, args)
    case 'diskutil enableOwnership':
      return enableOwnership(state, args)
    case 'diskutil unmount':
      return unmountVolume(state, args)
    case 'launchctl print':
      return printJob(state, args)
    case 'launchctl bootstrap':
      return bootstrapJob(state, args)
    case 'launchctl bootout':
      return bootoutJob(state, args)
    default:
      return state.replies[command] ?? refuse(1, `${command}: not pretended here\n`)
  }
}

const volumesOf = (state: TestMacState): TestVolume[] => state.images.flatMap((image) => image.volumes)
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

const attach = (state: TestMacState, args: readonly string[]): Reply => {
  const imagePath = args.at(-1) ?? ''
  if (!/^ram:\/\/[0-9]+$/.test(imagePath))
    return refuse(1, 'hdiutil: attach failed - No such file or directory\n')
  const device = takeDisk(state)
  state.images.push({ imagePath, device, helperPid: 4242, volumes: [] })
  return print(`${device.padEnd(20)}\t${' '.repeat(31)}\t\n`)
}

const info = (state: TestMacState): Reply => {
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
    `images          : ${state.images.length}`,
  ]
  return print(`${head.join('\n')}\n${blocks.join('')}`)
}

const detach = (state: TestMacState, args: readonly string[]): Reply => {
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

const eraseVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const [, , name = '', device = ''] = args
  const image = findImage(state, device)
  if (image === undefined) return refuse(1, `Unable to find disk for ${device}\n`)
  const volume: TestVolume = { device, name, filesystem: 'hfs', mountPoint: null, owners: false }
  image.volumes.push(volume)
  mountByName(state, volume)
  return print(
    `Started erase on ${device}\nUnmounting disk\nErasing\nMounting disk\nFinished erase on ${device} (${name})\n`,
  )
}

const createApfs = (state: TestMacState, args: readonly string[]): Reply => {
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
  const disk = container.replace('/dev/', '')
  return print(
    `Creating APFS Container\nCreated new APFS Container ${disk}\nDisk from APFS operation: ${disk}\n`,
  )
}

const mountVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args.at(-1))
  if (volume === undefined) return refuse(1, `Unable to find disk for ${args.at(-1)}\n`)
  volume.mountPoint = args[2] ?? ''
  return print(`Volume ${volume.name} on ${volume.device} mounted\n`)
}

const enableOwnership = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args[1] || other.mountPoint === args[1])
  if (volume === undefined) return refuse(1, `Could not find disk: ${args[1]}\n`)
  volume.owners = true
  return print(`File system user/group ownership enabled\n`)
}

const unmountVolume = (state: TestMacState, args: readonly string[]): Reply => {
  const volume = volumesOf(state).find((other) => other.device === args.at(-1))
  if (volume === undefined) return refuse(1, `Unable to find disk for ${args.at(-1)}\n`)
  if (volume.mountPoint !== null) rmSync(volume.mountPoint, { recursive: true })
  volume.mountPoint = null
  return print(`Volume ${volume.name} on ${volume.device} unmounted\n`)
}

const mountTable = (state: TestMacState): Reply => {
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
const openFiles = (state: TestMacState, args: readonly string[]): Reply => {
  const at = args.at(-1) ?? ''
  if (!volumesOf(state).some((volume) => volume.mountPoint === at) || state.holders.length === 0)
    return refuse(1, '')
  return print(
    state.holders.map(({ pid, command, user }) => `p${pid}\nc${command}\nL${user}\nf3\nn${at}/x\n`).join(''),
  )
}

const noDomain = (verb: string): Reply =>
  refuse(125, `${verb} failed: 125: Domain does not support specified action\n`)
const isMissingDomain = (state: TestMacState, target: string): boolean =>
  target.startsWith('gui/') && !state.guiSession

/** The job's own lines have one TAB; deeper ones repeat their keys with other values. */
const printJob = (state: TestMacState, args: readonly string[]): Reply => {
  const target = args.at(-1) ?? ''
  if (isMissingDomain(state, target)) return noDomain('Print')
  const job = state.jobs[target]
  const label = target.split('/').at(-1)
  const missing = refuse(113, `Bad request.\nCould not find service "${label}" in domain for user gui: 501\n`)
  if (job === undefined) return missing
  if (job.leavesAfterPrints === 0) {
    delete state.jobs[target]
    return missing
  }
  if (job.leavesAfterPrints !== null) job.leavesAfterPrints -= 1
  return print(
    `${target} = {\n\tactive count = 1\n\tpath = ${job.path}\n\ttype = LaunchAgent\n\tstate = running\n\n\tpid = ${job.pid}\n\tlast exit code = (never exited)\n\n\tresource coalition = {\n\t\tstate = active\n\t\tpid = 1\n\t}\n}\n`,
  )
}

const bootstrapJob = (state: TestMacState, args: readonly string[]): Reply => {
  const [, domain = '', path = ''] = args
  if (isMissingDomain(state, domain)) return noDomain('Bootstrap')
  const label = path.split('/').at(-1)?.replace('.plist', '')
  const target = `${domain}/${label}`
  if (state.jobs[target] !== undefined || !existsSync(path))
    return refuse(
      5,
      'Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.\n',
    )
  state.jobs[target] = { path, pid: 4711, leavesAfterPrints: null }
  return print('')
}

/** Answers before the job is gone, as launchd does. */
const bootoutJob = (state: TestMacState, args: readonly string[]): Reply => {
  const target = args[1] ?? ''
  if (isMissingDomain(state, target)) return noDomain('Boot-out')
  const job = state.jobs[target]
  if (job === undefined) return refuse(3, 'Boot-out failed: 3: No such process\n')
  job.leavesAfterPrints = 2
  return print('')
}
