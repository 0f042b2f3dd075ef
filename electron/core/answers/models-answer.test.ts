// The models as a window gets them: judged as by `nexus models`, and within the contract.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ModelsAnswerSchema } from '../../contract/question.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { headerOf, readCatalogue, whyNoHeader } from '../models/catalogue.ts'
import { judgeModel, orderModels } from '../models/judge-models.ts'
import { describeModels } from './models-answer.ts'

const catalogue = readCatalogue(join(import.meta.dirname, '..', '..', '..', 'resources'))
const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('no studio')

const answer = (gibibytes: number, here: string | null = null) => {
  const machine = { totalBytes: gibibytes * 1024 ** 3, gpuLimitBytes: null, isMac: true }
  const judged = catalogue.map((model) => {
    const path = model.id === here ? `/m/${model.id}.gguf` : null
    const files = { model, path, header: headerOf(model), whyNoHeader: whyNoHeader(model) }
    return judgeModel(files, null, studio, { agents: 4, machine })
  })
  return describeModels(orderModels(judged), 'a Studio')
}

it('keeps to the contract and has every model, the best for agents first', () => {
  const given = answer(256, 'r1-distill-llama-70b')
  expect(ModelsAnswerSchema.parse(given)).toEqual(given)
  expect(given.models).toHaveLength(catalogue.length)
  expect(given.models[0]?.id).toBe(given.bestId)
  expect(given.models.filter(({ isHere }) => isHere).map(({ id }) => id)).toEqual(['r1-distill-llama-70b'])
  expect(given.models.filter(({ canFetch }) => !canFetch).map(({ id }) => id)).toEqual(['smollm2-135m'])
  expect(given.notes.at(-1)).toContain(`nexus up --model ${given.bestId}`)
})

it('has numbers only where they are known, and a reason where the fit is not', () => {
  const { bestId, models, notes } = answer(8)
  expect(bestId).toBeNull()
  expect(notes.at(-1)).toContain('No model for agents fits')
  for (const { fit, whyUnknown, neededBytes, tokensPerAgent } of models) {
    expect(tokensPerAgent !== null).toBe(fit === 'fits')
    expect(neededBytes !== null).toBe(fit === 'does-not-fit')
    expect(whyUnknown !== null).toBe(fit === 'unknown')
  }
})
