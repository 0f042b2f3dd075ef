// Probes on the RAM disk: a small one of their own, from mount to eject, by the provider that the Build Forge uses.
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Platform, RamDiskSpec } from '../platform/platform.ts'
import { describeFailure } from '../platform/run-command.ts'
import type { SelfcheckContext } from './context.ts'
import { type Finding, fail, notApplicable, type Probe, type ProbeTools, pass } from './probe.ts'
import { probeOnImages, probesOnDarwinVolume } from './probes-on-darwin-volume.ts'
import { startHolder } from './sleeping-child.ts'

const mebibyte = 2 ** 20
const diskBytes = 16 * mebibyte
/** A format and an attach of macOS take seconds each; more is a finding by itself. */
const diskLimitMs = 40_000
const quickMs = 15_000

export const createDiskSpec = (platform: Platform, mark: string, sizeBytes: number): RamDiskSpec => {
  const volumeName = `nexus-selfcheck-${process.pid}${mark}`
  return {
    volumeName,
    sizeBytes,
    mountPoint: platform.ramDisk.defaultMountPoint(volumeName),
    filesystem: 'hfs+',
  }
}

/** Mounts, and sees to it that the disk goes, also when the mount ends after the probe was given up. */
export const mountForProbe = async (
  platform: Platform,
  spec: RamDiskSpec,
  defer: ProbeTools['defer'],
): Promise<Finding> => {
  const mounting = platform.ramDisk.mount(spec)
  defer({
    what: `the RAM disk at ${spec.mountPoint}`,
    command:
      platform.id === 'darwin'
        ? `hdiutil detach -force ${spec.mountPoint}`
        : `umount -l ${spec.mountPoint}; rm -f ${spec.mountPoint}`,
    undo: async () => {
      const made = await mounting.catch(() => null)
      // A mount that failed has taken its steps back, or says that it could not (darwin-ram-disk-mount, rollBack).
      if (made?.kind === 'failed') {
        if (/could not be detached/.test(made.reason)) throw new Error(made.reason)
        return
      }
      const { kind, ...rest } = await platform.ramDisk.eject(spec, { force: true })
      if (kind !== 'done' && kind !== 'not-mounted') throw new Error(JSON.stringify({ kind, ...rest }))
    },
  })
  const outcome = await mounting
  return outcome.kind === 'mounted'
    ? pass(outcome.note === null ? 'mounted' : `mounted; ${outcome.note}`)
    : fail(outcome.reason)
}

/** A probe on the disk that an earlier one has mounted. */
export type OnDisk = (
  probe: Omit<Probe, 'group' | 'run'>,
  work: (spec: RamDiskSpec, platform: Platform, tools: ProbeTools) => Promise<Finding>,
) => Probe

export const probesOnForge = (context: SelfcheckContext): readonly Probe[] => {
  /** null before it is mounted and after it is ejected. */
  let disk: { readonly spec: RamDiskSpec } | null = null
  const onDisk: OnDisk = (probe, work) => ({
    ...probe,
    group: 'Build Forge',
    run: async (tools) =>
      disk === null
        ? notApplicable('there is no RAM disk: it could not be mounted')
        : work(disk.spec, context.createPlatform(tools.run), tools),
  })
  const isMac = context.platformId === 'darwin'
  return [
    ...(isMac ? [probeOnImages] : []),
    {
      id: 'forge.mount',
      group: 'Build Forge',
      assumed: 'a RAM disk of 16 MiB can be made by this user and is then in the mount table with that size',
      limitMs: diskLimitMs,
      run: async (tools) => {
        const platform = context.createPlatform(tools.run)
        const spec = createDiskSpec(platform, '', diskBytes)
        const mounted = await mountForProbe(platform, spec, tools.deferToEnd)
        if (mounted.verdict !== 'pass') return mounted
        const { kind, totalBytes, usedBytes, mounted: isThere } = await platform.ramDisk.read(spec)
        disk = { spec }
        if (!isThere || kind === null)
          return fail(`mounted, but read as ${JSON.stringify({ isThere, kind })}`)
        if (totalBytes === null || usedBytes === null) return fail(`${kind}, but its size is not known`)
        // A folder in /dev/shm has no size of its own; a file system of macOS keeps some of it for itself.
        const isSized = kind === 'shm-folder' || Math.abs(totalBytes - diskBytes) <= diskBytes / 8
        const said = `${kind}, ${(totalBytes / mebibyte).toFixed(1)} MiB; ${mounted.found}`
        return isSized ? pass(said) : fail(`${said}; 16 MiB were wanted`)
      },
    },
    onDisk(
      {
        id: 'forge.backing',
        assumed: 'it is told who holds the memory of the RAM disk',
        limitMs: quickMs,
      },
      async (spec, platform) => {
        const backing = await platform.ramDisk.readBacking(spec)
        if (backing === null) return fail('not told')
        return backing.kind === 'program'
          ? pass(`the program ${backing.pid}, ${backing.residentBytes ?? 'not known how many'} bytes in RAM`)
          : pass(backing.kind)
      },
    ),
    onDisk(
      {
        id: 'forge.use',
        assumed:
          'files can be written and read there, a folder opened to all (1777), and flock works as cargo needs it',
        limitMs: quickMs,
      },
      async ({ mountPoint }, _, { run }) => {
        const folder = join(mountPoint, 'selfcheck')
        await mkdir(folder)
        await chmod(folder, 0o1777)
        const mode = (await stat(folder)).mode & 0o7777
        const text = 'x'.repeat(mebibyte)
        await writeFile(join(folder, 'file'), text)
        const isRead = (await readFile(join(folder, 'file'), 'utf8')) === text
        const lock = await run(['perl', '-e', flockTwice, join(folder, 'lock')])
        const locked = lock.kind === 'exited' ? lock.stdout : describeFailure(lock)
        const said = `mode ${mode.toString(8)}, 1 MiB ${isRead ? 'read back' : 'read back wrong'}, flock: ${locked}`
        return mode === 0o1777 && isRead && locked === 'exclusive' ? pass(said) : fail(said)
      },
    ),
    ...(isMac ? probesOnDarwinVolume(onDisk) : []),
    onDisk(
      {
        id: 'forge.eject-busy',
        assumed: 'with a file open on it the disk is not ejected, and the process is named',
        limitMs: diskLimitMs,
      },
      async (spec, platform, tools) => {
        const path = join(spec.mountPoint, 'held')
        await writeFile(path, '')
        const holder = await startHolder(path, tools)
        const outcome = await platform.ramDisk.eject(spec, { force: false })
        if (outcome.kind === 'done' || outcome.kind === 'not-mounted') disk = null
        if (outcome.kind !== 'busy') return fail(`not busy, but ${JSON.stringify(outcome)}`)
        return outcome.holders.some(({ pid }) => pid === holder.pid)
          ? pass(
              `busy, held by ${outcome.holders.map(({ command, pid }) => `${command} (${pid})`).join(', ')}`,
            )
          : fail(`busy, but our holder ${holder.pid} is not named: ${JSON.stringify(outcome.holders)}`)
      },
    ),
    onDisk(
      {
        id: 'forge.eject',
        assumed: 'with nothing open on it the disk is ejected, and neither mount nor device is left',
        limitMs: diskLimitMs,
      },
      async (spec, platform) => {
        const outcome = await platform.ramDisk.eject(spec, { force: false })
        if (outcome.kind !== 'done') return fail(JSON.stringify(outcome))
        disk = null
        return (await platform.ramDisk.read(spec)).mounted ? fail('ejected, but still mounted') : pass('gone')
      },
    ),
    {
      id: 'forge.eject-forced',
      group: 'Build Forge',
      assumed: 'a second one can be made at once, and is ejected by force although a file is open on it',
      limitMs: diskLimitMs,
      run: async (tools) => {
        const platform = context.createPlatform(tools.run)
        const spec = createDiskSpec(platform, '-forced', diskBytes)
        const mounted = await mountForProbe(platform, spec, tools.defer)
        if (mounted.verdict !== 'pass') return mounted
        const path = join(spec.mountPoint, 'held')
        await writeFile(path, '')
        await startHolder(path, tools)
        const outcome = await platform.ramDisk.eject(spec, { force: true })
        return outcome.kind === 'done' ? pass('gone') : fail(JSON.stringify(outcome))
      },
    },
  ]
}

/** Two open files of one process exclude each other too (flock(2)); cargo takes such a lock on each build folder. */
const flockTwice = `use Fcntl qw(:flock);
open(my $a, ">", $ARGV[0]) or die $!; open(my $b, ">", $ARGV[0]) or die $!;
flock($a, LOCK_EX | LOCK_NB) or die "the first lock: $!";
print flock($b, LOCK_EX | LOCK_NB) ? "both got it" : "exclusive"`
