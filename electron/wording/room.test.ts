// Work in progress; unknown is not "none".
import { expect, it } from 'vitest'
import { snapshotAt as at } from '../contract/test-support/sample-app-state.ts'
import { describeWork } from './room.ts'

const unknown = { ...at(0), slots: null }

it.each([
  [at(0), null],
  [at(1), '1 agent is being answered.'],
  [at(4, 2), '4 agents are being answered, and 2 requests wait.'],
  [unknown, 'Could not find out whether agents are being answered.'],
  [
    {
      ...unknown,
      services: {
        ...unknown.services,
        llamaServer: { ...unknown.services.llamaServer, phase: 'stopped' as const },
      },
    },
    null,
  ],
  [null, null],
])('says who is at work', (snapshot, words) => expect(describeWork(snapshot)).toBe(words))

it('counts requests that the Router let through before llama-server shows them', () => {
  const admitted = {
    id: 'a',
    developer: 'anna',
    phase: 'prefill' as const,
    startedAt: 1,
    admittedAt: 2,
    firstTokenAt: null,
    promptTokens: null,
    outputTokens: null,
    node: null,
  }
  expect(describeWork({ ...at(0), requests: [admitted] })).toBe('1 agent is being answered.')
})
