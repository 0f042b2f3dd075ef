// Documents that would overflow a stack, a number or an object, where they come in: the config file and the socket.
import { expect, it } from 'vitest'
import { parseJsonOrNull } from '../base/json-record.ts'
import { ConfigError, parseConfig } from '../config/config.ts'
import { parseRequest } from './protocol.ts'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

it('names the file of a config that is too deep, in every place of it', () => {
  for (const text of [nested(200_000), `{"profiles":{"mine":{"llamaServer":${nested(200_000)}}}}`])
    expect(() => parseConfig(text, '/home/ann/config.json')).toThrow(
      /^\/home\/ann\/config\.json is not valid:\n {2}nested deeper than 100 levels, at character \d+$/,
    )
})

it('answers a request that is too deep in words', () => {
  const line = `{"id":1,"method":"dispatch","command":{"type":"configure","config":${nested(100_000)}}}`
  expect(parseRequest(line)).toEqual({
    kind: 'garbage',
    id: null,
    message: 'nested deeper than 100 levels, at character 166',
  })
  expect(parseJsonOrNull(nested(100_000))).toBeNull()
})

it('names unknown keys of a config as they can be read, __proto__ too', () => {
  const text = '{"prof\u009b2Jiles":1,"\u202eeman":2,"__proto__":{"profile":"demo"},"\\u001b]0;x\\u0007":3}'
  let said = ''
  try {
    parseConfig(text, 'config.json')
  } catch (error) {
    said = error instanceof ConfigError ? error.message : ''
  }
  expect(said).toContain('prof\\u009b2Jiles: found an unknown key')
  expect(said).toContain('\\u202eeman: found an unknown key')
  expect(said).toContain('␛]0;x␇: found an unknown key')
  expect(said).toContain('__proto__: found an unknown key')
})

it('takes no number that is none any more', () => {
  expect(() => parseConfig('{"metricsPort":1e999}', 'config.json')).toThrow('metricsPort: found')
})
