// What a pretended Mac remembers between its commands, for tests of the darwin provider on any system.
import type { PlistValue } from './mac-plist.ts'

export interface TestVolume {
  device: string
  name: string
  filesystem: 'hfs' | 'apfs'
  mountPoint: string | null
  /** Files belong to the user who wrote them; a disk image's volume comes up without. */
  owners: boolean
}

export interface TestImage {
  imagePath: string
  device: string
  /** null: attached in the kernel by root, as by hdik(8). */
  helperPid: number | null
  volumes: TestVolume[]
}

export interface TestProcess {
  pid: number
  parentPid: number
  groupId: number
  /** As ps has it: S, R, Z, ... */
  state: string
  startedAtMs: number
  residentKibibytes: number
  /** Its file, and its words joined by blanks. */
  path: string
  command: string
}

export interface TestJob {
  /** The plist it was loaded from. */
  path: string
  /** Of a job that a test makes up without a process, such as a daemon of root's; null: really started. */
  madeUpPid: number | null
  plist: Record<string, PlistValue>
  /** Processes so far; the files of the last one begin with `filesAt`.RUNS. */
  runs: number
  filesAt: string
  /** When its label is free again, once it was booted out and its process has ended; null: it was not. */
  freeAtMs: number | null
}

export interface TestLaunchdState {
  guiAsid: number
  userAsid: number
  /** Targets that `launchctl disable` switched off. */
  disabled: string[]
  /** RunAtLoad is put off, as in Low Power Mode or during a login ("pended nondemand spawn": public reports). */
  putsOffSpawns: boolean
  /** How long a label stays taken after a bootout: 5 s was measured (headroom#1289). */
  drainMs: number
  /** What reports disagree on (hermes#79868): a bootout ends all that the job ever started. */
  bootoutTakesAll: boolean
}

export interface TestMacState {
  /** Commands run as root. */
  isRoot: boolean
  volumesFolder: string
  nextDisk: number
  images: TestImage[]
  /** Further lines of the mount table, as they are. */
  otherMounts: string[]
  /** launchd's jobs by target, such as gui/501/ai.opta.nexus. */
  jobs: Record<string, TestJob>
  launchd: TestLaunchdState
  /** A user is logged in at the screen. */
  guiSession: boolean
  /** Who has files open on the RAM disk. */
  holders: { pid: number; command: string; user: string }[]
  /** Its own processes, such as the helper of a disk image. */
  processes: TestProcess[]
  /** ps and lsof show this system's processes too (Linux only): those that the test starts for real. */
  seesRealProcesses: boolean
  screens: { pid: number; name: string; status: string }[]
  power: { sleepMinutes: number; restarts: boolean }
  autoLoginUser: string | null
  /** Programs of its list by path; others are in no list. */
  firewall: { isOn: boolean; rules: Record<string, 'Allow' | 'Block'> }
  /** By command and first word, such as "hdiutil attach": answered instead of doing anything. */
  failing: Record<string, { exitCode: number; stdout: string; stderr: string }>
  /** By command: what it prints, for those that only print. */
  replies: Record<string, { exitCode: number; stdout: string; stderr: string }>
}
