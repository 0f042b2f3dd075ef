// A fragment that begins a sentence.
import { expect, test } from 'vitest'
import { startSentence } from './sentence.ts'

test.each([
  ['it ended with exit code 1', 'It ended with exit code 1'],
  ['no answer from /health', 'No answer from /health'],
  ['llama-server ended', 'llama-server ended'],
  ['/Volumes/OptaBuilds is a folder', '/Volumes/OptaBuilds is a folder'],
  ['', ''],
])('%s', (fragment, sentence) => {
  expect(startSentence(fragment)).toBe(sentence)
})
