import { describe, expect, it } from 'vitest'
import { CommandSchema } from '../electron/contract/command.ts'
import { QuerySchema } from '../electron/contract/question.ts'
import { RequestSchema } from '../electron/core/control/protocol.ts'
import { allRequests, requestsThatEndNothing } from './storm-requests.ts'

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

  it('command; to a core that it still needs, all that end nothing', () => {
    const typesIn = (requests: typeof sent) =>
      requests.flatMap((request) => (request.method === 'dispatch' ? [request.command.type] : [])).sort()
    const known = CommandSchema.options.map(({ shape }) => shape.type.value)
    expect(typesIn(sent)).toEqual(known.toSorted())
    expect(typesIn(requestsThatEndNothing.map((request) => RequestSchema.parse(request)))).toEqual(
      known.filter((type) => type !== 'stop' && type !== 'restart').sort(),
    )
  })
})
