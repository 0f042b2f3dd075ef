// The tables of `nexus bench model`: every figure with its spread, and no cost that was not measured.
import { expect, it } from 'vitest'
import type { IdleSlotsRow } from '../../core/model-bench/recommend.ts'
import { renderBench } from './bench-view.ts'

const spread = (median: number, lowest: number, highest: number, readings = 3) => ({
  median,
  lowest,
  highest,
  readings,
})
const idle: IdleSlotsRow = {
  otherSlots: 3,
  heldTokens: 6_144,
  empty: spread(49, 48, 50),
  held: spread(40, 39, 41),
  keptShare: 40 / 49,
}
const render = (idleSlots: IdleSlotsRow, repeats = 3) =>
  renderBench({ rows: [], kv: [], idleSlots }, null, repeats).join('\n')

it('compares the types of the KV cache, with the reason for a missing one', () => {
  const lines = renderBench(
    {
      rows: [],
      kv: [
        { type: 'f16', failure: 'llama-server did not start: cannot allocate 90 GiB' },
        { type: 'q4_0', prefill: spread(95, 90, 99), generation: spread(32, 31, 33) },
      ],
      idleSlots: null,
    },
    null,
    3,
  )
  expect(lines).toEqual([
    'KV cache  prefill/s  lowest..highest  generation/s  lowest..highest',
    '     f16          -                -             -                -',
    '    q4_0       95.0       90.0..99.0          32.0       31.0..33.0',
    'f16 was not measured: llama-server did not start: cannot allocate 90 GiB',
    '',
    'Tokens per second; medians of 3 measurements.',
  ])
})

it('claims a cost of idle slots only if it was measured', () => {
  expect(render(idle)).toContain('3 other slots, 6144 tokens')
  expect(render(idle)).toContain('Beside them generation keeps 82 % of its speed.')
  expect(render({ ...idle, held: spread(48.5, 47, 49), keptShare: 0.99 })).toContain(
    'Keeping them costs less than the spread of the measurements.',
  )
  expect(render({ ...idle, heldTokens: 9, keptShare: null })).toContain('llama-server had cleared them')
  expect(render({ ...idle, heldTokens: null, keptShare: null })).toContain('did not report what they held')
  expect(render(idle, 1)).toContain('one measurement, which proves little')
})
