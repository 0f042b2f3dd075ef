// Checks on the model files, by their headers: present, readable, complete.

import { quoteForShell } from '../../wording/shell-quote.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { type HeaderReading, readHeaderOrReason } from '../gguf/gguf-header.ts'
import { demoModelPath } from '../setup/demo-model.ts'
import { type CheckSource, fail, ok, type Verdict } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface ModelPlace {
  readonly path: string
  /** The command that downloads it again; null for a model that set-up does not know. */
  readonly fetch: string | null
  /** The setting that names it, and that setting's file. */
  readonly setting: string
}

export const judgeModel = (reading: HeaderReading, place: ModelPlace): Verdict => {
  const { path, fetch, setting } = place
  if (reading.kind === 'failed') {
    if (/may not read it$/.test(reading.reason))
      return fail(reading.reason, `chmod a+r ${quoteForShell(path)}`)
    return fail(reading.reason, fetch ?? `Put the model there, or name another in ${setting}.`)
  }
  const { completeness, fileBytes, quantisation, architecture, partPaths } = reading.header
  if (completeness.kind !== 'complete') {
    const missing = `${completeness.path} lacks ${completeness.missingBytes.toLocaleString('en-US')} bytes of its weights`
    const how =
      completeness.kind === 'header-only'
        ? ', all of them: it is only a header'
        : ': the download is incomplete'
    return fail(`${missing}${how}`, fetch ?? `Download ${completeness.path} again; curl -C - resumes it.`)
  }
  const parts = partPaths.length === 1 ? '' : ` in ${partPaths.length} parts`
  return ok(
    `${architecture} ${quantisation ?? 'of unknown quantisation'}, ${formatBytes(fileBytes)}${parts}, complete: ${path}`,
  )
}

const whyComplete = 'llama-server refuses an incomplete file only after reading all of it'

const readModel = async (
  { folder, upCommand, place, profileFile, modelHeader }: DoctorFacts,
  key: 'modelPath' | 'draftModelPath',
  path: string,
): Promise<Verdict> =>
  judgeModel(await (key === 'modelPath' ? modelHeader() : readHeaderOrReason(path)), {
    path,
    fetch: path === demoModelPath(folder.runtimeDir) ? upCommand : null,
    setting: `${place(`llamaServer.${key}`)} of ${profileFile}`,
  })

/** Whether the draft fits the model is for llama-server to say: see engine.drafts. */
export const checksOnModels: readonly CheckSource[] = [
  {
    id: 'models.target',
    title: 'Model file',
    why: whyComplete,
    read: (facts) => readModel(facts, 'modelPath', facts.chosen.profile.llamaServer.modelPath),
  },
  {
    id: 'models.draft',
    title: 'Draft file',
    why: whyComplete,
    read: async (facts) => {
      const path = facts.chosen.profile.llamaServer.draftModelPath
      return path === null ? null : readModel(facts, 'draftModelPath', path)
    },
  },
]
