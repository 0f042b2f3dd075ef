// The Build Forge as a service: a mount instead of a process, with the same states.
import type { Profile } from '../../contract/profile.ts'
import type { Phase, RamDisk, ServiceState } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { ramImageName } from '../platform/darwin-disk-text.ts'
import type { EjectOutcome, Holder, Platform, RamDiskControl, RamDiskSpec } from '../platform/platform.ts'

export const ramDiskSpec = (profile: Profile, platform: Platform): RamDiskSpec => ({
  volumeName: profile.ramDisk.volumeName,
  sizeBytes: profile.ramDisk.sizeMiB * 1_048_576,
  mountPoint: profile.ramDisk.mountPoint ?? platform.ramDisk.defaultMountPoint(profile.ramDisk.volumeName),
  filesystem: profile.ramDisk.filesystem,
})

export type RamDiskService = ReturnType<typeof createRamDiskService>

export const createRamDiskService = (
  control: RamDiskControl,
  spec: RamDiskSpec,
  onChange: () => void,
  /** What a person has to know of a mount that came about, such as another file system than was asked for. */
  onNote: (text: string) => void,
  now: () => number = Date.now,
) => {
  let phase: Phase = 'stopped'
  let since = now()
  let reason: string | null = null
  let busy: Promise<unknown> | null = null
  /** Counts mounts and ejects, so that an earlier reading is not mistaken for their result. */
  let works = 0
  let closed = false
  /** A mount was refused since the mount point was last seen empty, for example because a disk of another size is there. */
  let refused = false

  const enter = (next: Phase, nextReason: string | null = null) => {
    if (next === phase && nextReason === reason) return
    if (next !== phase) since = now()
    phase = next
    reason = nextReason
    onChange()
  }

  const state = (): ServiceState => ({
    phase,
    since,
    pid: null,
    adopted: false,
    foreign: null,
    restarts: 0,
    reason,
    waitingFor: phase === 'starting' ? 'the mount' : phase === 'stopping' ? 'the eject' : null,
    uptimeSeconds: phase === 'ready' ? Math.max(0, (now() - since) / 1000) : null,
    endpoint: phase === 'ready' ? spec.mountPoint : null,
  })

  const compare = (mounted: boolean) => {
    if (!mounted) refused = false
    if (phase === 'ready' && !mounted) {
      enter(
        'failed',
        `${spec.mountPoint} was unmounted by something else: builds would go to the disk; nexus up mounts it again`,
      )
    } else if (mounted && (phase === 'stopped' || (phase === 'failed' && !refused))) {
      enter('ready')
    }
  }

  const tryEject = async (options: { readonly force: boolean }): Promise<EjectOutcome> => {
    try {
      return await control.eject(spec, options)
    } catch (error) {
      return { kind: 'failed', reason: messageOf(error) }
    }
  }

  /** Mounts and ejects of one disk never overlap: the second caller waits for the first. */
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    while (busy !== null) await busy.catch(() => {})
    works += 1
    const mine = work()
    busy = mine
    try {
      return await mine
    } finally {
      busy = null
    }
  }

  return {
    state,
    /** Reads the disk and checks the mount table: another program may have unmounted it. */
    read: async (): Promise<RamDisk> => {
      const worksBefore = works
      const disk = await control.read(spec)
      if (busy === null && works === worksBefore) compare(disk.mounted)
      return disk
    },
    start: (): Promise<ServiceState> =>
      alone(async () => {
        if (closed || phase === 'ready') return state()
        enter('starting')
        try {
          const outcome = await control.mount(spec)
          refused = outcome.kind === 'failed'
          if (outcome.kind === 'failed') enter('failed', outcome.reason)
          else {
            enter('ready')
            if (outcome.note !== null) onNote(outcome.note)
          }
        } catch (error) {
          refused = true
          enter('failed', `could not create the RAM disk: ${messageOf(error)}`)
        }
        return state()
      }),
    /** Loses its content; never part of a plain stop. */
    eject: (options: { readonly force: boolean }): Promise<EjectOutcome> =>
      alone(async () => {
        if (closed) return { kind: 'failed', reason: 'the core is ending' }
        const before = { phase, since, reason }
        enter('stopping')
        const outcome = await tryEject(options)
        switch (outcome.kind) {
          case 'done':
          case 'not-mounted':
            enter('stopped')
            break
          case 'busy':
          case 'failed':
            // Nothing has changed, so the state has held since then.
            since = before.since
            phase = before.phase
            reason = before.reason
            onChange()
            break
        }
        return outcome
      }),
    /**
     * Starts nothing new, and settles when a running mount or eject has ended: the next core would not see an unfinished mount
     * and would mount a second disk over it (seen on Linux; on macOS that takes its size in memory twice).
     */
    close: (): Promise<void> => {
      closed = true
      return alone(async () => {})
    },
  }
}

/** "cargo (pid 12, user bob), zsh (pid 14)" */
export const describeHolders = (holders: readonly Holder[]): string =>
  holders
    .map(({ command, pid, user }) => `${command} (pid ${pid}${user === null ? '' : `, user ${user}`})`)
    .join(', ')

/**
 * `hdiutil attach ram://` keeps the data in an ordinary process, so it can be compressed and swapped. Attached in the kernel,
 * which needs root, it is wired (morristech/osx-tmpfs README; hdik(8)). Not tested on a Mac yet.
 */
export const howToWire = ({ sizeBytes, volumeName }: RamDiskSpec): string =>
  `To keep it wired, attach it in the kernel, as root (not tested): nexus down --eject; sudo hdik -nomount ${ramImageName(sizeBytes)}; ` +
  `sudo diskutil erasevolume HFS+ ${quoteForShell(volumeName)} /dev/diskN with the disk it names; then nexus up takes it as it is`
