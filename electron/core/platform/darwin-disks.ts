// What is attached and mounted on a Mac, and the commands that change it. Tested only on recorded output so far.
import {
  type DarwinMount,
  type ImageList,
  leavesImagesOut,
  parseAttachedDevice,
  parseDissenters,
  parseHdiutilInfo,
  parseMountTable,
  ramImageName,
} from './darwin-disk-text.ts'
import { parseLsofFields } from './darwin-processes.ts'
import { describeCommand } from './describe-command.ts'
import type { Holder, RamDiskSpec } from './platform.ts'
import { type CommandResult, describeFailure, type RunCommand } from './run-command.ts'

/** Formatting and detaching touch every volume on the disk, and wait for programs to release it. */
const slowMs = 120_000

export type Attached =
  | { readonly kind: 'attached'; readonly device: string }
  | { readonly kind: 'failed'; readonly reason: string }

export type DetachResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'busy'; readonly dissenters: readonly Holder[] }
  | { readonly kind: 'failed'; readonly reason: string }

export type DarwinDisks = ReturnType<typeof createDarwinDisks>

export const createDarwinDisks = (run: RunCommand) => ({
  /** null when nothing is mounted there. Throws when the output of `mount` is not understood. */
  async readMountAt(mountPoint: string): Promise<DarwinMount | null> {
    const result = await run(['mount'])
    const table = result.kind === 'exited' ? parseMountTable(result.stdout) : []
    // There is always a root: a table without one has another format.
    if (!table.some((entry) => entry.mountPoint === '/'))
      throw new Error('mount printed output that was not understood')
    return table.findLast((entry) => entry.mountPoint === mountPoint) ?? null
  },
  /** null when the output of `hdiutil info` is not understood. */
  async readImages(): Promise<ImageList | null> {
    const result = await run(['hdiutil', 'info'])
    const text = result.kind === 'exited' && result.exitCode === 0 ? result.stdout : ''
    const images = parseHdiutilInfo(text)
    return images === null ? null : { images, isWhole: !leavesImagesOut(text, images) }
  },
  async attach(sizeBytes: number): Promise<Attached> {
    const argv = ['hdiutil', 'attach', '-nobrowse', '-nomount', ramImageName(sizeBytes)] as const
    const result = await run(argv, { timeoutMs: slowMs, mayLeaveChildren: true })
    const device = result.kind === 'exited' ? parseAttachedDevice(result.stdout) : null
    if (device !== null) return { kind: 'attached', device }
    return { kind: 'failed', reason: `hdiutil attach failed: ${describeFailure(result)}` }
  },
  /** Returns the failure, or null; so does the next one. */
  async format(device: string, { filesystem, volumeName }: RamDiskSpec): Promise<string | null> {
    const argv =
      filesystem === 'apfs'
        ? (['diskutil', 'apfs', 'create', device, volumeName] as const)
        : (['diskutil', 'erasevolume', 'HFS+', volumeName, device] as const)
    return explainFailure(`diskutil ${argv[1]} failed`, await run(argv, { timeoutMs: slowMs }))
  },
  async moveMount(device: string, mountPoint: string): Promise<string | null> {
    const unmounted = await run(['diskutil', 'unmount', device], { timeoutMs: slowMs })
    const refusal = explainFailure('diskutil unmount failed', unmounted)
    if (refusal !== null) return refusal
    const argv = ['diskutil', 'mount', '-mountPoint', mountPoint, device] as const
    return explainFailure('diskutil mount failed', await run(argv, { timeoutMs: slowMs }))
  },
  async detach(device: string, { force }: { readonly force: boolean }): Promise<DetachResult> {
    const result = await run(['hdiutil', 'detach', ...(force ? ['-force'] : []), device], {
      timeoutMs: slowMs,
    })
    return judgeDetach(result)
  },
  readHolders: (mountPoint: string) => readHolders(run, mountPoint),
})

const explainFailure = (what: string, result: CommandResult): string | null =>
  result.kind === 'exited' && result.exitCode === 0 ? null : `${what}: ${describeFailure(result)}`

/** Exit 16 is EBUSY (seen with macOS 26); some systems localise the message, so it is only a second sign. */
const judgeDetach = (result: CommandResult): DetachResult => {
  if (result.kind === 'exited') {
    if (result.exitCode === 0) return { kind: 'done' }
    const said = `${result.stdout}\n${result.stderr}`
    if (result.exitCode === 16 || /resource busy|in use by|dissented/i.test(said)) {
      return { kind: 'busy', dissenters: parseDissenters(said) }
    }
  }
  return { kind: 'failed', reason: `hdiutil detach failed: ${describeFailure(result)}` }
}

/** +f: treats the name as a file system and lists every open file on it. Only root sees other users' files. */
const readHolders = async (run: RunCommand, mountPoint: string): Promise<readonly Holder[]> => {
  const result = await run(['lsof', '-nP', '-F', 'pcLn', '+f', '--', mountPoint])
  const processes = result.kind === 'exited' ? parseLsofFields(result.stdout) : []
  return processes.map(({ pid, command, user }) => ({
    pid,
    command: describeCommand(null, command) ?? 'unknown program',
    user,
  }))
}
