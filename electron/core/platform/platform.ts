// The interface to the operating system, implemented for darwin and linux.
import type { ForeignProcess, Memory, RamDisk } from '../../contract/snapshot.ts'

/**
 * The identity of a process: pids are reused, a pid with its start time is not.
 * `startedAt` is opaque (clock ticks since boot and that boot's id on Linux, `lstart` text in UTC on macOS): compare it,
 * never parse it.
 */
export interface ProcessIdentity {
  readonly pid: number
  readonly startedAt: string
}

export interface RamDiskSpec {
  readonly volumeName: string
  readonly sizeBytes: number
  readonly mountPoint: string
  readonly filesystem: 'hfs+' | 'apfs'
}

/** A process with files open on the RAM disk. */
export interface Holder {
  readonly pid: number
  readonly command: string
  readonly user: string | null
}

export type MountOutcome =
  | { readonly kind: 'mounted'; readonly already: boolean; readonly note: string | null }
  | { readonly kind: 'failed'; readonly reason: string }

export type EjectOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'not-mounted' }
  | { readonly kind: 'busy'; readonly holders: readonly Holder[] }
  | { readonly kind: 'failed'; readonly reason: string }

export interface ProcessTable {
  /** The cost of `readIdentity`: a file in `/proc` takes a tenth of a millisecond, a run of `ps` tens of milliseconds. */
  readonly identityCost: 'file' | 'program'
  /**
   * null when there is no such process, or only its zombie. Rejects when the lookup fails, which must never make a
   * server look dead.
   */
  readIdentity(pid: number): Promise<ProcessIdentity | null>
  /**
   * null when the process is gone or its argv is unreadable. On macOS `ps` joins argv with blanks, so an argument with a
   * blank comes back as two: compare with `runsArgv`, never element by element.
   */
  readArgv(pid: number): Promise<readonly string[] | null>
  /** Live (non-zombie) members of a process group. Rejects when the lookup fails. */
  readGroupMembers(groupId: number): Promise<readonly number[]>
  /** The process that listens on this TCP port, on any address; null for none. Never guesses: unknown parts are null. */
  readPortOwner(port: number): Promise<ForeignProcess | null>
}

/**
 * What holds a RAM disk's data. `program`: an ordinary process, whose memory may be compressed and swapped; `kernel`: wired, so
 * never swapped; `pages`: the page cache of a tmpfs, which may be swapped and shrinks when files are deleted.
 */
export type RamDiskBacking =
  | {
      readonly kind: 'program'
      readonly pid: number
      /** Its memory that is in RAM now, including blocks of deleted files; null when unknown. */
      readonly residentBytes: number | null
    }
  | { readonly kind: 'kernel' }
  | { readonly kind: 'pages' }

export interface RamDiskControl {
  readonly defaultMountPoint: (volumeName: string) => string
  /** From the mount table, never from the folder's existence. For a `shm-folder` the sizes are those of /dev/shm. */
  read(spec: RamDiskSpec): Promise<RamDisk>
  /** Slow (runs the system's disk tools); null when none is mounted or it is unknown. */
  readBacking(spec: RamDiskSpec): Promise<RamDiskBacking | null>
  /**
   * true: the volume is mounted without ownership (noowners on macOS), so every file looks like the reader's own. null when none
   * is mounted. Throws when the mount table is not understood.
   */
  ignoresOwners(spec: RamDiskSpec): Promise<boolean | null>
  /** Idempotent. Fails with an explanation if a plain folder with files is at the mount point. Rejects with a system error. */
  mount(spec: RamDiskSpec): Promise<MountOutcome>
  /** Loses its content. With `force`, open files don't prevent it. Rejects with a system error. */
  eject(spec: RamDiskSpec, options: { readonly force: boolean }): Promise<EjectOutcome>
}

export interface GpuUse {
  /** 0 to 100. */
  readonly busyPercent: number | null
  /** Memory that all programs together hold for the GPU. */
  readonly usedBytes: number | null
}

export interface Platform {
  readonly id: 'darwin' | 'linux'
  readonly processes: ProcessTable
  readonly ramDisk: RamDiskControl
  /** Rates (swap-outs, CPU) cover the time since the same reader's last reading; null in the first. */
  createMemoryReader(): () => Promise<Memory>
  readTotalMemoryBytes(): Promise<number>
  /** null when unknown. */
  readGpuUse(): Promise<GpuUse | null>
  /** IPv4 addresses of this machine for clients on the LAN, best first; may be empty. */
  readLanAddresses(): Promise<readonly string[]>
  /** Keeps the machine awake until this process has ended. Idempotent; outlives its caller. */
  keepAwakeWhile(pid: number): Promise<void>
}

/**
 * Whether a process runs this command line, perhaps with an interpreter in front (`python3 /opt/bin/tool ...`). Compares text
 * joined with blanks, because `ps` on macOS shows no more.
 */
export const runsArgv = (actual: readonly string[], expected: readonly string[]): boolean =>
  ` ${actual.join(' ')}`.endsWith(` ${expected.join(' ')}`) || runsInFrameworkPython(actual, expected)

/**
 * The `bin/python3` of a framework Python (Homebrew's and python.org's) re-executes itself as the program in Python.app
 * (CPython, Mac/Tools/pythonw.c; comfyui-mcp#1794): only the arguments after the interpreter stay the same.
 */
const runsInFrameworkPython = (
  actual: readonly string[],
  [program = '', ...args]: readonly string[],
): boolean => {
  const [, shown] = /^\/.*?\/Python\.app\/Contents\/MacOS\/Python (.*)$/s.exec(actual.join(' ')) ?? []
  return shown !== undefined && /(?:^|\/)python[\d.]*$/.test(program) && shown === args.join(' ')
}
