// Probes on a small RAM disk of their own, from mount to eject, through the Build Forge's provider.
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Platform, RamDiskSpec } from '../platform/platform.ts'
import type { SelfcheckContext } from './context.ts'
import {
  type Finding,
  fail,
  inGroup,
  judged,
  notApplicable,
  outputOf,
  type Probe,
  type ProbeTools,
  pass,
} from './probe.ts'
import { type OnDisk, probeOnImages, probesOnDarwinVolume } from './probes-on-darwin-volume.ts'
import { startHolder } from './sleeping-child.ts'

const mebibyte = 2 ** 20
const diskBytes = 16 * mebibyte
/** On macOS formatting and attaching take seconds each; longer is a finding in itself. */
const probe = inGroup('Build Forge', 40_000)

export const createDiskSpec = (platform: Platform, mark: string, sizeBytes: number): RamDiskSpec => {
  const volumeName = `nexus-selfcheck-${process.pid}${mark}`
  return {
    volumeName,
    sizeBytes,
    mountPoint: platform.ramDisk.defaultMountPoint(volumeName),
    filesystem: 'hfs+',
  }
}

/** Mounts, and ensures that the disk is removed, even if the mount finishes after the probe timed out. */
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
      // A failed mount has rolled back, or says that it could not (darwin-ram-disk-mount, rollBack).
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

export const probesOnForge = (context: SelfcheckContext): readonly Probe[] => {
  /** null unless mounted. */
  let disk: { readonly spec: RamDiskSpec } | null = null
  const onDisk: OnDisk = (work) => async (tools) =>
    disk === null
      ? notApplicable('no RAM disk: mounting it failed')
      : work(disk.spec, context.createPlatform(tools.run), tools)
  const isMac = context.platformId === 'darwin'
  return [
    ...(isMac ? [probeOnImages] : []),
    probe(
      'forge.mount',
      'this user can create a RAM disk of 16 MiB, and the mount table then shows it with that size',
      async (tools) => {
        const platform = context.createPlatform(tools.run)
        const spec = createDiskSpec(platform, '', diskBytes)
        const mounted = await mountForProbe(platform, spec, tools.deferToEnd)
        if (mounted.verdict !== 'pass') return mounted
        const { kind, totalBytes, usedBytes, mounted: isThere } = await platform.ramDisk.read(spec)
        disk = { spec }
        if (!isThere || kind === null)
          return fail(`mounted, but read as ${JSON.stringify({ isThere, kind })}`)
        if (totalBytes === null || usedBytes === null) return fail(`${kind}, but of unknown size`)
        // A folder in /dev/shm has no size of its own; a macOS file system uses part of the disk itself.
        const isSized = kind === 'shm-folder' || Math.abs(totalBytes - diskBytes) <= diskBytes / 8
        const said = `${kind}, ${(totalBytes / mebibyte).toFixed(1)} MiB; ${mounted.found}`
        return judged(isSized, said, '; expected 16 MiB')
      },
    ),
    probe(
      'forge.backing',
      "the holder of the RAM disk's memory is known",
      onDisk(async (spec, platform) => {
        const backing = await platform.ramDisk.readBacking(spec)
        return backing === null ? fail('unknown') : pass(JSON.stringify(backing))
      }),
    ),
    probe(
      'forge.use',
      'files can be written and read, a folder can be opened to all (1777), and flock works as cargo needs it',
      onDisk(async ({ mountPoint }, _, { run }) => {
        const folder = join(mountPoint, 'selfcheck')
        await mkdir(folder)
        await chmod(folder, 0o1777)
        const mode = (await stat(folder)).mode & 0o7777
        const text = 'x'.repeat(mebibyte)
        await writeFile(join(folder, 'file'), text)
        const isRead = (await readFile(join(folder, 'file'), 'utf8')) === text
        const locked = await outputOf(run, ['perl', '-e', flockTwice, join(folder, 'lock')])
        const said = `mode ${mode.toString(8)}, 1 MiB ${isRead ? 'read back' : 'read back wrong'}, flock: ${locked}`
        return judged(mode === 0o1777 && isRead && locked === 'exclusive', said)
      }),
    ),
    ...(isMac ? probesOnDarwinVolume(onDisk) : []),
    probe(
      'forge.eject-busy',
      'a disk with an open file is not ejected, and the process is named',
      onDisk(async (spec, platform, tools) => {
        const path = join(spec.mountPoint, 'held')
        await writeFile(path, '')
        const holderPid = await startHolder(path, tools)
        const outcome = await platform.ramDisk.eject(spec, { force: false })
        if (outcome.kind === 'done' || outcome.kind === 'not-mounted') disk = null
        if (outcome.kind !== 'busy') return fail(`not busy, but ${JSON.stringify(outcome)}`)
        const named = outcome.holders.map(({ command, pid }) => `${command} (${pid})`).join(', ')
        const isNamed = outcome.holders.some(({ pid }) => pid === holderPid)
        return judged(isNamed, `busy, held by ${named}`, `, but our holder ${holderPid} is not named`)
      }),
    ),
    probe(
      'forge.eject',
      'an unused disk is ejected, without leaving a mount or a device',
      onDisk(async (spec, platform) => {
        const outcome = await platform.ramDisk.eject(spec, { force: false })
        if (outcome.kind !== 'done') return fail(JSON.stringify(outcome))
        disk = null
        return judged(!(await platform.ramDisk.read(spec)).mounted, 'ejected', ', but still mounted')
      }),
    ),
    probe(
      'forge.eject-forced',
      'a second disk can be created right away, and is ejected by force despite an open file',
      async (tools) => {
        const platform = context.createPlatform(tools.run)
        const spec = createDiskSpec(platform, '-forced', diskBytes)
        const mounted = await mountForProbe(platform, spec, tools.defer)
        if (mounted.verdict !== 'pass') return mounted
        const path = join(spec.mountPoint, 'held')
        await writeFile(path, '')
        await startHolder(path, tools)
        const outcome = await platform.ramDisk.eject(spec, { force: true })
        return judged(outcome.kind === 'done', JSON.stringify(outcome))
      },
    ),
  ]
}

/** Two open files of one process exclude each other as well (flock(2)); cargo takes this lock on every build folder. */
const flockTwice = `use Fcntl qw(:flock);
open(my $a, ">", $ARGV[0]) or die $!; open(my $b, ">", $ARGV[0]) or die $!;
flock($a, LOCK_EX | LOCK_NB) or die "the first lock: $!";
print flock($b, LOCK_EX | LOCK_NB) ? "both got it" : "exclusive"`
