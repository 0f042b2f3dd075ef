// Checks on the model files, by their headers: present, readable, complete, and draft and model compatible.

import type { DraftJudgement } from '../../contract/memory-plan.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { formatBytes } from '../base/format-bytes.ts'
import type { HeaderReading } from '../gguf/gguf-header.ts'
import { demoModelPath } from '../setup/demo-model.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import { profileFile, profilePlace } from './checks-on-config.ts'
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

export const judgePair = (judgement: DraftJudgement, place: string): Verdict => {
  switch (judgement.verdict) {
    case 'compatible':
      return ok('same vocabulary as the model')
    case 'mismatch':
      return warn(
        `${judgement.reason}: llama-server would load the draft but never use it`,
        `Set ${place} to "ngram-mod": ${judgement.hint}.`,
      )
    case 'unknown':
      return unknown(judgement.reason, `Set ${place} to "ngram-mod": ${judgement.hint}.`)
  }
}

const whyComplete = 'llama-server refuses an incomplete file only after reading all of it'

export const checksOnModels = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const { llamaServer } = context.chosen.profile
  const place = (key: 'modelPath' | 'draftModelPath', path: string): ModelPlace => ({
    path,
    fetch: path === demoModelPath(context.folder.runtimeDir) ? context.upCommand : null,
    setting: `${profilePlace(context, `llamaServer.${key}`)} of ${profileFile(context)}`,
  })
  return [
    {
      id: 'models.target',
      group: 'Models',
      title: 'Model file',
      why: whyComplete,
      read: async () => judgeModel(await facts.modelHeader(), place('modelPath', llamaServer.modelPath)),
    },
    {
      id: 'models.draft',
      group: 'Models',
      title: 'Draft file',
      why: whyComplete,
      read: async () => {
        const reading = await facts.draftHeader()
        return reading === null
          ? null
          : judgeModel(reading, place('draftModelPath', llamaServer.draftModelPath ?? ''))
      },
    },
    {
      id: 'models.pair',
      group: 'Models',
      title: 'Draft fits model',
      why: 'a draft with another vocabulary uses memory and speeds up nothing',
      read: async () => {
        if (llamaServer.speculation !== 'draft-simple') return null
        const memory = await facts.memoryPlan()
        if (memory.kind === 'unknown' || memory.plan.draft === null)
          return unknown('cannot be compared until both files can be read')
        const setting = `${profilePlace(context, 'llamaServer.speculation')} in ${profileFile(context)}`
        return judgePair(memory.plan.draft, setting)
      },
    },
  ]
}
