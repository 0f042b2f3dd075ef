import fs, {
  appendFileSync,
  closeSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { describe, expect, it, vi } from 'vitest'
import { openLogForChild } from './log-file.ts'
import { readLogSince } from './log-follow.ts'
import { type LogMark, readLogMark } from './log-generations.ts'
import { createLogRotation } from './log-rotation.ts'
import { connectLogTail, type LogTailLimits } from './log-tail-events.ts'
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

/** Resolves with all lines once `last` has come. */
const tailUntil = (
  path: string,
  last: (line: string) => boolean,
  onLine: (line: string) => void = () => {},
  limits: Partial<LogTailLimits> = {},
) =>
  new Promise<readonly string[]>((resolve, reject) => {
    const all: string[] = []
    const disconnect = connectLogTail(
      path,
      (lines) => {
        for (const line of lines) {
          all.push(line)
          onLine(line)
          if (last(line)) {
            disconnect()
            resolve(all)
          }
        }
      },
      reject,
      { intervalMs: 5, maxBytesPerTick: 256 * 1024, maxBehindBytes: 1024 * 1024, ...limits },
    )
  })

describe('connectLogTail', () => {
  it('begins at the end as it was when connected, and gives only whole lines', async () => {
    using log = createLog()
    log.write('old\n')
    const tail = tailUntil(log.path, (line) => line === 'last')
    log.write('new, in two ')
    log.write('parts\nlast\nafter the last')
    expect(await tail).toEqual(['new, in two parts', 'last'])
  })

  it('crosses rotations', async () => {
    using log = createLog()
    log.write('earlier run\n')
    const tail = tailUntil(
      log.path,
      (line) => line === '4',
      (line) => {
        if (line === '2') void log.rotate().then(() => log.write('three\n4\n'))
      },
    )
    log.write('1\n')
    await log.rotate()
    log.write('2\n3')
    expect(await tail).toEqual(['1', '2', '3three', '4'])
  })

  it('gives the lines of one look together', async () => {
    using log = createLog()
    const hundred = Array.from({ length: 100 }, (_, index) => `line ${index}`)
    const { promise, resolve } = Promise.withResolvers<readonly string[]>()
    const disconnect = connectLogTail(log.path, resolve, failOnError)
    log.write(`${hundred.join('\n')}\n`)
    expect(await promise).toEqual(hundred)
    disconnect()
  })

  it('waits for a log that does not exist yet', async () => {
    using log = createLog()
    rmSync(log.path)
    const tail = tailUntil(log.path, (line) => line === 'first')
    log.write('first\n')
    expect(await tail).toEqual(['first'])
  })

  it('makes no callback after its undo', async () => {
    using log = createLog()
    const limits = { intervalMs: 1, maxBytesPerTick: 1, maxBehindBytes: 1024 * 1024 }
    const lines: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const disconnect = connectLogTail(
      log.path,
      (some) => {
        lines.push(...some)
        disconnect()
        // Another tail hears what this one would have heard too.
        void tailUntil(log.path, (line) => line === 'later').then(() => resolve())
        log.write('later\n')
      },
      failOnError,
      limits,
    )
    log.write('1\n')
    await promise
    expect(lines).toEqual(['1'])
  })

  it('reports an unreadable log once, not at every look', async () => {
    using log = createLog()
    const errors: string[] = []
    const lines: string[] = []
    const disconnect = connectLogTail(
      log.path,
      (more) => void lines.push(...more),
      (error) => void errors.push(error.message),
      {
        intervalMs: 1,
        maxBytesPerTick: 1024,
        maxBehindBytes: 1024 * 1024,
      },
    )
    log.write('readable\n')
    await vi.waitUntil(() => lines.length === 1)
    renameSync(log.path, `${log.path}-aside`)
    symlinkSync(log.path, log.path)
    const statSync = vi.spyOn(fs, 'statSync')
    syncBuiltinESMExports()
    for (const looks of [1, 2, 3]) {
      // A log that can't be opened is waited for in its folder.
      writeFileSync(`${log.path}-neighbour`, String(looks))
      await vi.waitUntil(() => statSync.mock.calls.filter(([file]) => file === log.path).length >= looks)
    }
    statSync.mockRestore()
    syncBuiltinESMExports()
    rmSync(log.path)
    renameSync(`${log.path}-aside`, log.path)
    log.write('readable again\n')
    await vi.waitUntil(() => lines.length === 2)
    disconnect()
    expect(errors).toEqual([expect.stringContaining('ELOOP')])
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
    const tail = tailUntil(log.path, (line) => line.startsWith('line 00099999'), undefined, {
      intervalMs: 50,
      maxBytesPerTick: 32 * 1024,
      maxBehindBytes: 256 * 1024,
    })
    const child = spawnWriter(log.path, numberedWriter, '100000', '100000')
    const all = await tail
    expect(await waitForExit(child)).toBe(0)
    disconnect()
    await rotation.check()
    const skips = all.filter((line) => line.startsWith('['))
    const lines = all.filter((line) => !line.startsWith('['))
    const skippedBytes = skips.reduce(
      (sum, line) => sum + Number(/^\[(\d+) bytes left out/.exec(line)?.[1] ?? 0),
      0,
    )
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
