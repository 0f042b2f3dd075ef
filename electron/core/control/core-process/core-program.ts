// The command line of the core's process: `nexus serve --background` on this Node, for this state folder. Pure.
import type { StateFolder } from '../../config/state-folder.ts'

export interface CoreProgram {
  /** A real Node: the packaged Electron can't run as one (fuse `runAsNode`, electron-builder.yml). */
  readonly nodePath: string
  readonly nodeArgs: readonly string[]
  /** The CLI bundle. */
  readonly entryPath: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly folder: StateFolder
}

/**
 * The core runs for weeks beside models that need every byte, and makes little garbage: a small young generation and one
 * malloc arena keep it about 26 MB smaller (measured with Node 24 on Linux; mallopt(3)).
 */
export const smallHeapFlag = '--max-semi-space-size=1'
export const smallHeap = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }

export const coreArgv = ({ nodePath, nodeArgs, entryPath }: CoreProgram): readonly [string, ...string[]] => [
  nodePath,
  ...nodeArgs.filter((word) => word !== smallHeapFlag),
  smallHeapFlag,
  entryPath,
  'serve',
  '--background',
]

/** Names this program's state folder, which may differ from the one in the caller's environment. */
export const coreVariables = ({ folder }: CoreProgram): Readonly<Record<string, string>> => ({
  ...smallHeap,
  NEXUS_HOME: folder.root,
  NEXUS_RUNTIME: folder.runtimeDir,
  NEXUS_SHARED: folder.sharedDir ?? '',
  NEXUS_MODELS: folder.modelsDir,
})
