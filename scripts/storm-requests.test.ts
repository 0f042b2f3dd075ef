import { describe, expect, it } from 'vitest'
import { CommandSchema } from '../electron/contract/command.ts'
import { QuerySchema } from '../electron/contract/question.ts'
import { RequestSchema } from '../electron/core/control/protocol.ts'
import { orders } from './storm-actions.ts'
import { allRequests } from './storm-requests.ts'

const sent = allRequests.map((request) => RequestSchema.parse(request))

describe('the storm sends every kind of', () => {
  it('request', () => {
    const known = RequestSchema.options.map(({ shape }) => shape.method.value)
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(known))
  })

  it('question', () => {
    const asked = sent.flatMap((request) => (request.method === 'ask' ? [request.query.type] : []))
    expect(asked.sort()).toEqual(QuerySchema.options.map(({ shape }) => shape.type.value).sort())
  })

  it('command, at a door or in a kill round', () => {
    const atDoors = sent.flatMap((request) => (request.method === 'dispatch' ? [request.command.type] : []))
    const inRounds = Object.values(orders).map(({ type }) => type)
    const known = CommandSchema.options.map(({ shape }) => shape.type.value)
    expect(new Set([...atDoors, ...inRounds])).toEqual(new Set(known))
  })
})
