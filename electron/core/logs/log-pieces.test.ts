// New lines in pieces: in order, none before it began, none after it ended.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { followLogPieces } from './log-pieces.ts'
import { createLogFolder } from './test-support/log-test-files.ts'

it('tells the lines from now on, those of one read together', async () => {
  using folder = createLogFolder()
  mkdirSync(dirname(folder.path), { recursive: true })
  writeFileSync(folder.path, 'before\n')
  const pieces: (readonly string[])[] = []
  const hundred = Array.from({ length: 100 }, (_, index) => `line ${index}`)
  await new Promise<void>((resolve, reject) => {
    const stop = followLogPieces(
      folder.path,
      (lines) => {
        pieces.push(lines)
        if (pieces.flat().length >= hundred.length) {
          stop()
          resolve()
        }
      },
      reject,
    )
    appendFileSync(folder.path, `${hundred.join('\n')}\n`)
  })
  expect(pieces.flat()).toEqual(hundred)
  expect(pieces.length).toBeLessThan(10)
  // Another one hears what this one would have heard too.
  await new Promise<void>((resolve, reject) => {
    const stop = followLogPieces(
      folder.path,
      () => {
        stop()
        resolve()
      },
      reject,
    )
    appendFileSync(folder.path, 'after\n')
  })
  expect(pieces.flat()).toHaveLength(100)
})

it('waits for a log that is not there yet', async () => {
  using folder = createLogFolder()
  mkdirSync(dirname(folder.path), { recursive: true })
  const line = await new Promise((resolve, reject) => {
    const stop = followLogPieces(
      folder.path,
      (lines) => {
        stop()
        resolve(lines[0])
      },
      reject,
    )
    appendFileSync(folder.path, 'first\n')
  })
  expect(line).toBe('first')
})
