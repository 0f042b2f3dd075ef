// How the core's own process is called: `nexus serve --background` on this Node, for this very state folder. Pure.
import type { StateFolder } from '../../config/state-folder.ts'

export interface CoreProgram {
  /** A real Node: the packaged Electron cannot run as one (fuse `runAsNode`, electron-builder.yml). */
  readonly nodePath: string
  readonly nodeArgs: readonly string[]
  /** The bundle of the command line. */
  readonly entryPath: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly folder: StateFolder
}

/**
 * The core lives for weeks beside models that want every byte, and makes little garbage: with a small young generation
 * and one malloc arena it stays about 26 MB smaller (measured with Node 24 on Linux; mallopt(3)).
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

/** Names the folder of this program, which need not be the one that the caller's environment names. */
export const coreVariables = ({ folder }: CoreProgram): Readonly<Record<string, string>> => ({
  ...smallHeap,
  NEXUS_HOME: folder.root,
  NEXUS_RUNTIME: folder.runtimeDir,
  NEXUS_SHARED: folder.sharedDir ?? '',
  NEXUS_MODELS: folder.modelsDir,
})
