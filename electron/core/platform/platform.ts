// The one interface to the operating system; darwin and linux stand behind it.
import type { ForeignProcess, Memory, RamDisk } from '../../contract/snapshot.ts'

/**
 * Who a process is: a pid alone is reused, a pid with its start time is not.
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
  /** What `readIdentity` reads: `/proc` costs a tenth of a millisecond, a run of `ps` tens of them. */
  readonly identityCost: 'file' | 'program'
  /**
   * null when there is no such process, or only its zombie. Rejects when the system does not answer:
   * a failed lookup must never make a server look dead.
   */
  readIdentity(pid: number): Promise<ProcessIdentity | null>
  /**
   * null when the process is gone or its argv may not be read. On macOS `ps` joins argv with
   * blanks, so an argument with a blank in it comes back as two: compare with `runsArgv`, never element by element.
   */
  readArgv(pid: number): Promise<readonly string[] | null>
  /** Living (not zombie) members of a process group. Rejects when the system does not tell. */
  readGroupMembers(groupId: number): Promise<readonly number[]>
  /** The process that listens on this TCP port, on any address; null for none. Never guesses: unknown parts are null. */
  readPortOwner(port: number): Promise<ForeignProcess | null>
}

/**
 * Who holds a RAM disk's data. `program`: an ordinary process, whose memory the system may compress and swap; `kernel`: wired, so
 * never swapped; `pages`: the page cache of a tmpfs, which may be swapped and shrinks when files go.
 */
export type RamDiskBacking =
  | {
      readonly kind: 'program'
      readonly pid: number
      /** Of its memory, what is in RAM now; also for blocks of files that are long deleted. null: unknown. */
      readonly residentBytes: number | null
    }
  | { readonly kind: 'kernel' }
  | { readonly kind: 'pages' }

export interface RamDiskControl {
  readonly defaultMountPoint: (volumeName: string) => string
  /**
   * Truth of the mount table, never of the folder's existence. For a `shm-folder` the sizes are those of /dev/shm.
   */
  read(spec: RamDiskSpec): Promise<RamDisk>
  /** Slow (asks the system's disk tools); null when none is mounted, or unknown. */
  readBacking(spec: RamDiskSpec): Promise<RamDiskBacking | null>
  /**
   * true: the volume was mounted without owners (noowners on macOS), so every file on it looks like the reader's own. null when
   * none is mounted. Throws when the mount table cannot be understood.
   */
  ignoresOwners(spec: RamDiskSpec): Promise<boolean | null>
  /** Idempotent. A plain folder with files at the mount point is a failure that says what would go wrong. */
  mount(spec: RamDiskSpec): Promise<MountOutcome>
  /** Loses what is on it. With `force`, open files do not stop it. */
  eject(spec: RamDiskSpec, options: { readonly force: boolean }): Promise<EjectOutcome>
}

export interface GpuUse {
  /** 0 to 100. */
  readonly busyPercent: number | null
  /** What all programs together hold of memory for the GPU. */
  readonly usedBytes: number | null
}

export interface Platform {
  readonly id: 'darwin' | 'linux'
  readonly processes: ProcessTable
  readonly ramDisk: RamDiskControl
  /** Rates (swap-outs, CPU) are since the reading before on the same reader; null in the first reading. */
  createMemoryReader(): () => Promise<Memory>
  readTotalMemoryBytes(): Promise<number>
  /** null where the system does not say. */
  readGpuUse(): Promise<GpuUse | null>
  /** IPv4 addresses at which clients on the LAN can reach this machine, best first; empty when there is none. */
  readLanAddresses(): Promise<readonly string[]>
  /** The machine does not go to sleep before this process has ended. Idempotent; outlives its caller. */
  keepAwakeWhile(pid: number): Promise<void>
}

/**
 * Whether a process runs this command line, perhaps through an interpreter put before it (`python3 /opt/bin/tool ...`).
 * Compared as text joined with blanks, because that is the most that `ps` tells on macOS.
 */
export const runsArgv = (actual: readonly string[], expected: readonly string[]): boolean =>
  ` ${actual.join(' ')}`.endsWith(` ${expected.join(' ')}`) || runsInFrameworkPython(actual, expected)

/**
 * The `bin/python3` of a Python framework, which Homebrew's and python.org's are, starts itself again as the program in
 * Python.app (CPython, Mac/Tools/pythonw.c; comfyui-mcp#1794): only what follows the interpreter is as it was given.
 */
const runsInFrameworkPython = (
  actual: readonly string[],
  [program = '', ...args]: readonly string[],
): boolean => {
  const [, shown] = /^\/.*?\/Python\.app\/Contents\/MacOS\/Python (.*)$/s.exec(actual.join(' ')) ?? []
  return shown !== undefined && /(?:^|\/)python[\d.]*$/.test(program) && shown === args.join(' ')
}
