// Reads the model files of a running llama-server from its command line. Pure.
import type { EngineModel } from '../../contract/snapshot.ts'

const modelFlags: readonly string[] = ['-m', '--model']
const draftFlags: readonly string[] = ['-md', '--model-draft', '--spec-draft-model']

/** Like llama-server: the last of a repeated flag counts. */
const readLast = (argv: readonly string[], flags: readonly string[]): string | null => {
  const at = argv.findLastIndex((word) => flags.includes(word))
  return at === -1 ? null : (argv[at + 1] ?? null)
}

/** null when the command line names no model. */
export const readEngineModel = (argv: readonly string[]): EngineModel | null => {
  const modelPath = readLast(argv, modelFlags)
  return modelPath === null ? null : { modelPath, draftModelPath: readLast(argv, draftFlags) }
}
