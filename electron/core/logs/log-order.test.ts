// The order of one rotation's steps, on which all reading relies: see the argument at the top of log-generations.ts.
import fs, {
  appendFileSync,
  closeSync,
  copyFileSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, expect, it, vi } from 'vitest'
import { createLogCursor } from './log-cursor.ts'
import { openLogForChild } from './log-file.ts'
import { logBeginning, nextPath, readRotationState, temporaryPath } from './log-generations.ts'
import { finishInterruptedSwitch, switchGeneration } from './log-rotation.ts'
import { createLogFolder } from './test-support/log-test-files.ts'

const maxCatchUpBytes = 1_000_000
const write = (path: string, content: string): void => {
  closeSync(openLogForChild(path))
  writeFileSync(path, content)
}

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

/** Calls `look` after each system call that changes what a reader sees. */
const lookAfterEachStep = (look: (step: string) => void): void => {
  const renameSync = fs.renameSync
  vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    renameSync(from, to)
    look('rename')
  })
  const ftruncateSync = fs.ftruncateSync
  vi.spyOn(fs, 'ftruncateSync').mockImplementation((fd, length) => {
    ftruncateSync(fd, length)
    look('truncate')
  })
  syncBuiltinESMExports()
}

it.each([
  ['the first rotation of a log', []],
  ['one after an earlier rotation', ['older\n']],
  ['one after several', ['oldest\n', 'still older\n', 'older\n']],
])('%s shows at every instant after the truncation that it took place', (_, generations) => {
  using log = createLogFolder()
  const { path } = log
  write(path, 'line 1\nline 2\n')
  for (const [index, content] of generations.entries()) writeFileSync(`${path}.${index + 1}`, content)
  copyFileSync(path, temporaryPath(path))
  const before = readRotationState(path).generations
  const steps: { readonly step: string; readonly isEmptied: boolean; readonly isSeen: boolean }[] = []
  lookAfterEachStep((step) => {
    const state = readRotationState(path)
    const isSeen = state.isSwitching || state.generations[0] !== before[0]
    steps.push({ step, isEmptied: readFileSync(path, 'utf8') === '', isSeen })
  })
  switchGeneration(path, maxCatchUpBytes)
  const emptied = steps.filter(({ isEmptied }) => isEmptied)
  expect(emptied.map(({ step }) => step)).toEqual(['truncate', 'rename'])
  expect(emptied.filter(({ isSeen }) => !isSeen)).toEqual([])
})

it('a switch that ends between the two looks of a reader is seen by the first of them', () => {
  using log = createLogFolder()
  const { path } = log
  write(path, 'line 1\n')
  copyFileSync(path, nextPath(path))
  truncateSync(path, 0)
  finishAfterFirstLook(path)
  const state = readRotationState(path)
  expect(state.isSwitching || state.generations.length > 0).toBe(true)
})

it('a reader that looks in the middle of a switch throws away what it read, and waits for the end of it', async () => {
  using log = createLogFolder()
  const { path } = log
  write(path, 'line 1\nline 2\n')
  const cursor = createLogCursor(path, logBeginning)
  expect(await readText(cursor)).toBe('line 1\nline 2\n')
  appendFileSync(path, 'line 3\n')
  // A core that died between truncation and rename, and a child that went on writing past the reader's place.
  copyFileSync(path, nextPath(path))
  truncateSync(path, 0)
  appendFileSync(path, 'line 4, longer than the three lines before it together\n')
  finishAtSecondLookAt(path)
  expect(await readText(cursor)).toBe('line 3\n')
  expect(await readText(cursor)).toBe('line 4, longer than the three lines before it together\n')
})

const readText = async (cursor: ReturnType<typeof createLogCursor>): Promise<string> => {
  const read = await cursor.read()
  return read.kind === 'bytes' ? read.bytes.toString('utf8') : read.kind
}

const connectLooks = (hooks: { before?: (file: unknown) => void; after?: (file: unknown) => void }): void => {
  const statSync = fs.statSync
  vi.spyOn(fs, 'statSync').mockImplementation((...args: Parameters<typeof statSync>) => {
    hooks.before?.(args[0])
    const answer = statSync(...args)
    hooks.after?.(args[0])
    return answer
  })
  syncBuiltinESMExports()
}

const finishAfterFirstLook = (path: string): void => {
  let isFinished = false
  const after = () => {
    if (isFinished) return
    isFinished = true
    finishInterruptedSwitch(path, maxCatchUpBytes)
  }
  connectLooks({ after })
}

/** The next core completes the switch once the reader has seen it under way. */
const finishAtSecondLookAt = (path: string): void => {
  let looks = 0
  const before = (file: unknown) => {
    if (file !== nextPath(path)) return
    looks += 1
    if (looks === 2) finishInterruptedSwitch(path, maxCatchUpBytes)
  }
  connectLooks({ before })
}
