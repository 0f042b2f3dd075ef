import { expect, it } from 'vitest'
import { nameModel } from './model-words.ts'

it.each([
  [
    '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
    undefined,
    'DeepSeek-R1-Distill-Llama-70B-Q8_0',
  ],
  ['/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf', 24, 'DeepSeek-R1-D…a-70B-Q8_0'],
  ['gpt-oss-120b-mxfp4-00001-of-00003.gguf', 24, 'gpt-oss-120b-mxfp4'],
  ['/m/gemma.GGUF', 24, 'gemma'],
  ['/m/no-ending', 24, 'no-ending'],
])('%s in %s characters', (path, most, name) => {
  expect(nameModel(path, most)).toBe(name)
  if (most !== undefined) expect(nameModel(path, most).length).toBeLessThanOrEqual(most)
})
