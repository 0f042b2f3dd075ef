import { describe, expect, it } from 'vitest'
import { findEngines, judgeWired, type WiredFacts } from './checks-on-wired.ts'

const GB = 1e9
const facts = (change: Partial<WiredFacts>): WiredFacts => ({
  wiredBytes: 0,
  totalBytes: 256 * GB,
  modelBytes: 0,
  kernelDiskBytes: 0,
  gpuUsedBytes: 0,
  others: [],
  ...change,
})

describe('judgeWired', () => {
  it.each([
    ['a small Mac without programs', { totalBytes: 25.8 * GB, wiredBytes: 4.1 * GB }, 'ok'],
    ['a laptop of 8 GB without programs', { totalBytes: 8.6 * GB, wiredBytes: 3.57 * GB }, 'ok'],
    ['the Studio without programs', { wiredBytes: 20 * GB }, 'ok'],
    ['our own model', { wiredBytes: 100 * GB, modelBytes: 90 * GB, gpuUsedBytes: 90 * GB }, 'ok'],
    ['a RAM disk of the kernel', { wiredBytes: 80 * GB, kernelDiskBytes: 64 * GB }, 'ok'],
    ['no holder', { wiredBytes: 100 * GB }, 'warn'],
    ['no holder, on a small Mac', { totalBytes: 25.8 * GB, wiredBytes: 6.1 * GB }, 'warn'],
    ['no holder, and no GPU figure', { wiredBytes: 100 * GB, gpuUsedBytes: null }, 'warn'],
    ['more than our own model', { wiredBytes: 130 * GB, modelBytes: 90 * GB, gpuUsedBytes: 90 * GB }, 'warn'],
  ] as const)('%s', (_, change, level) => {
    expect(judgeWired(facts(change)).level).toBe(level)
  })

  it.each([
    ['another engine', { others: ['ollama (pid 805)'] }, 'ollama (pid 805)'],
    ['programs on the GPU', { gpuUsedBytes: 79 * GB }, '73.57 GiB in use'],
  ])('names %s instead of suggesting a restart', (_, change, words) => {
    const verdict = judgeWired(facts({ wiredBytes: 100 * GB, ...change }))
    expect(verdict).toMatchObject({ level: 'unknown', found: expect.stringContaining(words) })
    expect(verdict.mend).not.toMatch(/restart/)
  })
})

describe('findEngines', () => {
  // Self-written sample with made-up pids, in the format of ps -axo pid=,comm= on macOS.
  const text = `    1 /sbin/launchd
  805 /opt/homebrew/opt/ollama/bin/ollama
  806 /opt/homebrew/opt/ollama/bin/ollama
  900 /Applications/LM Studio.app/Contents/Frameworks/LM Studio Helper (Plugin).app/Contents/MacOS/LM Studio Helper (Plugin)
  911 /Users/ana/llama.cpp/build/bin/llama-server
  912 /usr/local/bin/ollama-watch
  913 -zsh
`
  it('finds other programs that hold models, by file and by app', () => {
    expect(findEngines(text, [911])).toEqual(['ollama (pid 805, 806)', 'LM Studio (pid 900)'])
    expect(findEngines(text, [])).toContain('llama-server (pid 911)')
    expect(findEngines('', [])).toEqual([])
  })
  it('finds a program that ps shows without its path', () => {
    // Made-up pids. Login shells and zombies have names of special forms.
    const bare =
      '  920 llama-server\n  921 ./llama-server\n  922 llama\n  923 -llama-server\n  924 (llama-server)\n  925 llama-swap\n'
    expect(findEngines(bare, [])).toEqual(['llama-server (pid 920, 921)', 'llama (pid 922)'])
  })
})
