// Where a profile leaves it open, slots share one pool only while this Router guards it.
import { expect, it } from 'vitest'
import { settleKvSharing, whyNoPool } from './kv-sharing.ts'
import { builtinProfiles } from './profiles.ts'

const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('there is no studio profile')
const written = { ...studio, llamaServer: { ...studio.llamaServer, unifiedKv: 'auto' } } as const
const node = { name: 'b', host: '10.0.0.2', port: 8080, slots: 4, keyFile: null }

it('is one pool if the Router guards it', () => {
  expect(whyNoPool(written)).toBeNull()
  expect(settleKvSharing(written).llamaServer.unifiedKv).toBe(true)
})

it.each([
  ['its admission is off', { proxy: { ...studio.proxy, admission: false } }, 'proxy.admission'],
  [
    'LiteLLM runs with the user’s own file',
    { proxy: { ...studio.proxy, configPath: '/c.yaml' } },
    'proxy.configPath',
  ],
  ['requests go to other Studios too', { nodes: [node] }, 'nodes'],
])('is separate shares with a reason: %s', (_, change, setting) => {
  expect(whyNoPool({ ...written, ...change })).toContain(setting)
  expect(settleKvSharing({ ...written, ...change }).llamaServer.unifiedKv).toBe(false)
})

it("keeps a profile's own choice", () => {
  for (const unifiedKv of [true, false]) {
    const own = { ...written, llamaServer: { ...written.llamaServer, unifiedKv }, nodes: [node] }
    expect(settleKvSharing(own).llamaServer.unifiedKv).toBe(unifiedKv)
  }
})
