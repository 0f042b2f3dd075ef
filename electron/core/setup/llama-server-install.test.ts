import { expect, it } from 'vitest'
import { howToInstall } from './llama-server-install.ts'

it.each([
  ['darwin', 'run "brew install llama.cpp", or set llamaServer.binaryPath'],
  [
    'linux',
    'this processor lacks avx2; build llama.cpp and put llama-server on PATH, or set llamaServer.binaryPath',
  ],
] as const)('on %s it says what to do', (platform, words) => {
  expect(howToInstall(platform, 'this processor lacks avx2')).toBe(words)
})
