import { expect, it } from 'vitest'
import { readEngineModel } from './llama-running-model.ts'
import { seedArgv } from './seed-line.ts'

it('reads both models of the owner’s start script', () => {
  expect(readEngineModel(seedArgv)).toEqual({
    modelPath: '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
    draftModelPath: '/Users/Shared/Models/Llama-3.2-3B-Instruct-Q4_K_M.gguf',
  })
})

it.each([
  [['llama-server', '--model', '/a.gguf'], { modelPath: '/a.gguf', draftModelPath: null }],
  [
    ['llama-server', '-m', '/a.gguf', '-m', '/b.gguf', '--spec-draft-model', '/d.gguf'],
    { modelPath: '/b.gguf', draftModelPath: '/d.gguf' },
  ],
  [['llama-server', '-hf', 'a/b'], null],
  [['llama-server', '-m'], null],
])('of %j reads %j', (argv, model) => {
  expect(readEngineModel(argv)).toEqual(model)
})
