// The samples are invented: that the core could say them is held here, so that no test and no picture rests on what never is.
import { describe, expect, test } from 'vitest'
import { AppStateSchema } from '../../electron/contract/app.ts'
import { HistorySampleSchema } from '../../electron/contract/history.ts'
import { answerSchemas } from '../../electron/contract/question.ts'
import type { Snapshot } from '../../electron/contract/snapshot.ts'
// biome-ignore lint/style/noRestrictedImports: only this test does, and what the core says is the question
import { noticeRules } from '../../electron/core/observe/notice-conditions.ts'
// biome-ignore lint/style/noRestrictedImports: the same
import { judgeOverall } from '../../electron/core/observe/snapshot.ts'
import { sampleAnswers } from './sample-answers.ts'
import { sampleHistory } from './sample-history.ts'
import { sampleStates } from './sample-states.ts'

const states = Object.entries(sampleStates)
const live = states.flatMap(([name, { snapshot }]): [string, Snapshot][] =>
  snapshot === null ? [] : [[name, snapshot]],
)

type Words = ReturnType<(typeof noticeRules)[number]['read']>

/** What the core says of a snapshot that stays as it is. */
const sayNotices = (snapshot: Snapshot): Record<string, Words> =>
  Object.fromEntries(
    noticeRules
      .map(({ id, read }): [string, Words] => [id, read(snapshot, true)])
      .filter(([, words]) => words !== null && words !== 'unknown'),
  )

describe.each(states)('%s', (_, state) => {
  test('is a state as the contract has it', () => {
    expect(AppStateSchema.parse(state)).toEqual(state)
  })

  test('has answers as the contract has them', () => {
    const answers = sampleAnswers(state)
    expect(answerSchemas.plan.parse(answers.plan)).toEqual(answers.plan)
    expect(answerSchemas.doctor.parse(answers.doctor)).toEqual(answers.doctor)
    expect(answerSchemas.models.parse(answers.models)).toEqual(answers.models)
    expect(answerSchemas.clients.parse(answers.clients)).toEqual(answers.clients)
    expect(answerSchemas.settings.parse(answers.settings)).toEqual(answers.settings)
    expect(answerSchemas.logTail.parse(answers.logTail)).toEqual(answers.logTail)
  })
})

/** What happened before a snapshot is not to be read from it: no sample tells of that. */
test.each(live)('%s has the notices that the core has, in its words', (_, snapshot) => {
  const notices = Object.fromEntries(
    snapshot.notices.map(({ id, severity, title, body, view }) => [id, { severity, title, body, view }]),
  )
  expect(notices).toEqual(sayNotices(snapshot))
})

test.each(live)('%s is as a whole what the core makes of its services', (_, snapshot) => {
  expect(snapshot.overall).toBe(judgeOverall(snapshot))
})

test('the history is one as the contract has it', () => {
  expect(sampleHistory.map((sample) => HistorySampleSchema.parse(sample))).toEqual(sampleHistory)
})
