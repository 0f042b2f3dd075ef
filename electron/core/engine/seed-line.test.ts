// The owner's line from the start script, and the explanation of each flag that it shares with ours.
import { expect, it } from 'vitest'
import { explainSeedFlags, seedArgv } from './seed-line.ts'

it('is the script’s, to the letter', () => {
  expect(seedArgv.join(' ')).toBe(
    './llama-server -m /Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf ' +
      '-md /Users/Shared/Models/Llama-3.2-3B-Instruct-Q4_K_M.gguf ' +
      '-c 131072 -np 4 -cb -ngl 99 -ctk q4_0 -ctv q4_0 --host 0.0.0.0 --port 8080',
  )
})

it('is the same everywhere when it is compared with itself, and every flag has a purpose', () => {
  const uses = explainSeedFlags(seedArgv, [])
  expect(uses).toHaveLength(10)
  for (const { purpose, seed } of uses) {
    expect(purpose).toMatch(/\.$/)
    expect(seed).toBeNull()
  }
})

it('says what the script has where ours has something else, however it is spelled', () => {
  const uses = explainSeedFlags(['llama-server', '--ctx-size', '319488', '-np', '4', '-cb', '-lv', '4'], [])
  expect(uses.map(({ ours, seed }) => [ours, seed])).toEqual([
    ['--ctx-size 319488', '-c 131072'],
    ['-np 4', null],
    ['-cb', null],
  ])
})

it('leaves to its adaptation what one explains', () => {
  const adaptation = { flag: '-c', seed: null, ours: '-c 1', reason: 'pinned' } as const
  expect(explainSeedFlags(['llama-server', '-c', '1'], [adaptation])).toEqual([])
})
