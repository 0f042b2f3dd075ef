import { appendFileSync, closeSync, truncateSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openLogForChild } from './log-file.ts'
import { type LogMark, readLogMark } from './log-generations.ts'
import { createLogRotation } from './log-rotation.ts'
import { connectLogTail, type LogTailOptions, readLogSince } from './log-tail-events.ts'
import { createLogFolder, numberedWriter, spawnWriter, waitForExit } from './test-support/log-test-files.ts'

const failOnError = (error: Error): void => {
  throw error
}
const createLog = () => {
  const folder = createLogFolder()
  closeSync(openLogForChild(folder.path))
  const rotation = createLogRotation({ path: folder.path, maxBytes: 2, keep: 3, onError: failOnError })
  return {
    ...folder,
    write: (text: string) => appendFileSync(folder.path, text),
    rotate: () => rotation.check(),
  }
}

/** Resolves with all lines and skips once `last` has come. */
const tailUntil = (
  path: string,
  last: (line: string) => boolean,
  options: Partial<LogTailOptions>,
  onLine: (line: string) => void = () => {},
) =>
  new Promise<{ lines: string[]; skippedBytes: number }>((resolve, reject) => {
    const lines: string[] = []
    let skippedBytes = 0
    const disconnect = connectLogTail(
      path,
      (line) => {
        lines.push(line)
        onLine(line)
        if (!last(line)) return
        disconnect()
        resolve({ lines, skippedBytes })
      },
      {
        from: null,
        intervalMs: 5,
        onSkipped: (bytes) => {
          skippedBytes += bytes
        },
        onError: reject,
        ...options,
      },
    )
  })

describe('connectLogTail', () => {
  it('begins at the end as it was when connected, and gives only whole lines', async () => {
    using log = createLog()
    log.write('old\n')
    const tail = tailUntil(log.path, (line) => line === 'last', {})
    log.write('new, in two ')
    log.write('parts\nlast\nafter the last')
    expect((await tail).lines).toEqual(['new, in two parts', 'last'])
  })

  it('begins at a mark, and crosses rotations', async () => {
    using log = createLog()
    log.write('earlier run\n')
    const from = readLogMark(log.path)
    log.write('1\n')
    await log.rotate()
    log.write('2\n3')
    const tail = tailUntil(
      log.path,
      (line) => line === '4',
      { from },
      (line) => {
        if (line === '2') void log.rotate().then(() => log.write('three\n4\n'))
      },
    )
    expect((await tail).lines).toEqual(['1', '2', '3three', '4'])
  })

  it('makes no callback after its undo, even in the middle of a block', async () => {
    using log = createLog()
    const lines: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const disconnect = connectLogTail(
      log.path,
      (line) => {
        lines.push(line)
        disconnect()
        setTimeout(resolve, 30)
      },
      { from: null, intervalMs: 1, onSkipped: () => {}, onError: failOnError },
    )
    log.write('1\n2\n3\n')
    await promise
    expect(lines).toEqual(['1'])
  })

  it('skips ahead under a flood, says how much, and still shows the end', { timeout: 60_000 }, async () => {
    using log = createLog()
    const rotation = createLogRotation({
      path: log.path,
      maxBytes: 1024 * 1024,
      keep: 2,
      onError: failOnError,
    })
    const disconnect = rotation.connect()
    const rssBefore = process.memoryUsage().rss
    const tail = tailUntil(log.path, (line) => line.startsWith('line 00099999'), {
      intervalMs: 50,
      maxBytesPerTick: 32 * 1024,
      maxBehindBytes: 256 * 1024,
    })
    const child = spawnWriter(log.path, numberedWriter, '100000', '100000')
    const { lines, skippedBytes } = await tail
    expect(await waitForExit(child)).toBe(0)
    disconnect()
    await rotation.check()
    expect(skippedBytes).toBeGreaterThan(1024 * 1024)
    // Every line is a whole one, in order, none twice.
    expect(lines.filter((line) => !/^line \d{8} x{60}$/.test(line))).toEqual([])
    const numbers = lines.map((line) => Number(line.slice(5, 13)))
    expect(numbers.filter((number, i) => i > 0 && number <= (numbers[i - 1] ?? 0))).toEqual([])
    expect(numbers.length).toBeLessThan(60_000)
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('readLogSince', () => {
  it('gives the lines of this run only, the last ones when there are many', async () => {
    using log = createLog()
    log.write('earlier run\n')
    const mark = readLogMark(log.path)
    expect(await readLogSince(log.path, mark, 10)).toEqual([])
    log.write('1\n2\n3\nerror: no end')
    expect(await readLogSince(log.path, mark, 10)).toEqual(['1', '2', '3', 'error: no end'])
    expect(await readLogSince(log.path, mark, 2)).toEqual(['3', 'error: no end'])
  })

  it('keeps its mark across rotations, and through JSON', async () => {
    using log = createLog()
    log.write('first run\n')
    await log.rotate()
    log.write('second run\n')
    const mark: LogMark = JSON.parse(JSON.stringify(readLogMark(log.path)))
    log.write('1\n')
    await log.rotate()
    expect(await readLogSince(log.path, mark, 10)).toEqual(['1'])
    log.write('2\n')
    await log.rotate()
    log.write('3\n')
    expect(await readLogSince(log.path, mark, 10)).toEqual(['1', '2', '3'])
    expect(await readLogSince(log.path, mark, 2)).toEqual(['2', '3'])
  })

  it('gives what is left when the marked generation is gone', async () => {
    using log = createLog()
    log.write('x\n')
    await log.rotate()
    const mark = readLogMark(log.path)
    for (const line of ['1', '2', '3', '4', '5']) {
      log.write(`${line}\n`)
      await log.rotate()
    }
    expect((await readLogSince(log.path, mark, 10)).at(-1)).toBe('5')
  })

  it('reads from the start of a log that was emptied by hand', async () => {
    using log = createLog()
    log.write('a long line\n')
    const mark = readLogMark(log.path)
    closeSync(openLogForChild(log.path))
    truncateSync(log.path, 0)
    log.write('new\n')
    expect(await readLogSince(log.path, mark, 10)).toEqual(['new'])
  })
})
