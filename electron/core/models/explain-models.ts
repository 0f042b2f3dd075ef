// What a table of models has no room for, in sentences: the source of a speed, the studio's model, what to do next. Pure.
import { formatDuration } from '../../wording/figures.ts'
import { type CatalogueModel, commandToHave } from './catalogue.ts'
import { bestForAgents, firstTurnTokens, type JudgedModel } from './judge-models.ts'

/** "M2 Ultra, llama.cpp b7825, Q4_K_M, 2026-02-07, a prompt of 512: https://…" */
export const saySource = (speed: NonNullable<CatalogueModel['speed']>): string =>
  `${speed.machine}, ${speed.engine}, ${speed.quantisation}, ${speed.date}${speed.promptTokens === null ? '' : `, a prompt of ${speed.promptTokens.toLocaleString('en-US')}`}: ${speed.source}`

/** @param models in the order in which they are shown */
export const explainChoice = (models: readonly JudgedModel[]): readonly string[] => {
  const best = bestForAgents(models)
  return [
    ...saySeed(models, best),
    ...models.flatMap(({ model, path }) =>
      model.repo === null && path === null ? [`${model.id} comes with set-up: ${commandToHave(model)}.`] : [],
    ),
    ...(best === null
      ? ['No model for agents fits with 32,768 tokens for each: fewer agents (--agents) get more.']
      : [
          best.path === null
            ? `To get it: ${commandToHave(best.model)}, then nexus up --model ${best.model.id}.`
            : `To run it: nexus up --model ${best.model.id}.`,
        ]),
  ]
}

/** The `studio` profile's model, in numbers, and what would do better. */
const saySeed = (models: readonly JudgedModel[], best: JudgedModel | null): readonly string[] => {
  const seed = models.find(({ model }) => model.id === seedModel)
  if (seed === undefined) return []
  const tools = seed.model.tools.note === null ? [] : [seed.model.tools.note]
  const slow =
    seed.firstTurnSeconds === null
      ? []
      : [
          `it reads ${firstTurnTokens.toLocaleString('en-US')} tokens in ${formatDuration(seed.firstTurnSeconds)}`,
        ]
  const better =
    best === null
      ? ''
      : ` ${best.model.name} calls tools${best.firstTurnSeconds === null ? '' : ` and reads them in ${formatDuration(best.firstTurnSeconds)}`}.`
  return [`The studio profile's ${seed.model.name}: ${[...tools, ...slow].join('; ')}.${better}`]
}

const seedModel = 'r1-distill-llama-70b'
