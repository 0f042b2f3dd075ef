// Which log is shown where.
import { expect, test } from 'vitest'
import { coreLogPlace, glance, logAt, placeOf } from './place.ts'

test('a view that is asked for shows the log that it names, also after the core’s own was chosen', () => {
  expect(logAt(coreLogPlace)).toBe('core')
  expect(logAt({ ...coreLogPlace, ...placeOf({ id: 'logs', service: 'proxy' }) })).toBe('proxy')
  expect(logAt({ ...coreLogPlace, ...placeOf({ id: 'logs', service: null }) })).toBe('llamaServer')
  expect(logAt(placeOf(glance))).toBe('llamaServer')
})
