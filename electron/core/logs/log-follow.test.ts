import { appendFileSync, closeSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openLogForChild } from './log-file.ts'
import { cutBeginning, followLog, maxLineScanBytes, readLastLines } from './log-follow.ts'
import { createLogRotation } from './log-rotation.ts'
import { createLogFolder, numberedWriter, spawnWriter, waitForExit } from './test-support/log-test-files.ts'

const failOnError = (error: Error): void => {
  throw error
}
const createLog = () => {
  const folder = createLogFolder()
  closeSync(openLogForChild(folder.path))
  const rotation = createLogRotation({ path: folder.path, maxBytes: 2, keep: 4, onError: failOnError })
  return {
    ...folder,
    write: (text: string) => appendFileSync(folder.path, text),
    rotate: () => rotation.check(),
  }
}

describe('readLastLines', () => {
  it('gives the last lines, the unfinished one included, across generations', async () => {
    using log = createLog()
    log.write('1\n2\n3\n')
    await log.rotate()
    log.write('4\n5')
    await log.rotate()
    log.write('five\n6\n7')
    expect(await readLastLines(log.path, 3)).toEqual(['5five', '6', '7'])
    expect(await readLastLines(log.path, 5)).toEqual(['3', '4', '5five', '6', '7'])
    expect(await readLastLines(log.path, 100)).toEqual(['1', '2', '3', '4', '5five', '6', '7'])
    expect(await readLastLines(log.path, 0)).toEqual([])
    log.write('\n')
    expect(await readLastLines(log.path, 1)).toEqual(['7'])
  })

  it('counts empty lines, and lines that straddle its blocks', async () => {
    using log = createLog()
    const lines = Array.from({ length: 5000 }, (_, i) => (i % 7 === 0 ? '' : `${i} ${'z'.repeat(i % 300)}`))
    log.write(`${lines.join('\n')}\n`)
    for (const count of [1, 2, 7, 500, 4999, 5000, 6000]) {
      expect(await readLastLines(log.path, count)).toEqual(lines.slice(-count))
    }
  })

  it('does not look for the beginning of an endless line, and says so', async () => {
    using log = createLog()
    log.write(`1\n${'z'.repeat(maxLineScanBytes + 200_000)}\n3`)
    const [first, ...rest] = await readLastLines(log.path, 50)
    expect(first).toMatch(/^\[beginning of this line cut\] … z+ … \[4\d{6} bytes of this line cut\]$/)
    expect(rest).toEqual(['3'])
    expect(await readLastLines(log.path, 1)).toEqual(['3'])
    const followed = await collect(log.path, 2, (line) => {
      if (line.startsWith(cutBeginning)) log.write('\n')
      return line === '3'
    })
    expect(followed).toEqual([first, '3'])
  })

  it('takes no whole generation of an endless line for a cut one', async () => {
    using log = createLog()
    log.write('z'.repeat(maxLineScanBytes - 4))
    await log.rotate()
    log.write('y\n2\n')
    expect((await readLastLines(log.path, 9)).map((line) => line.slice(0, 3))).toEqual(['zzz', '2'])
  })

  it('gives nothing for a log that is missing or empty', async () => {
    using log = createLog()
    expect(await readLastLines(log.path, 5)).toEqual([])
    rmSync(log.path)
    expect(await readLastLines(log.path, 5)).toEqual([])
    expect(await readLastLines(`${log.path}-folder/child.log`, 5)).toEqual([])
  })
})

/** Takes lines until `enough` says so, then ends the following. */
const collect = async (
  path: string,
  lines: number,
  enough: (line: string, all: readonly string[]) => boolean | Promise<boolean>,
): Promise<readonly string[]> => {
  const stop = new AbortController()
  const all: string[] = []
  for await (const line of followLog({ path, lines, signal: stop.signal })) {
    all.push(line)
    if (await enough(line, all)) stop.abort()
  }
  return all
}

describe('followLog', () => {
  it('begins with the last lines and goes on with what is written', async () => {
    using log = createLog()
    log.write('1\n2\n3\n4')
    const seen = await collect(log.path, 3, (line) => {
      if (line === '3') log.write('four\n5\n')
      return line === '5'
    })
    expect(seen).toEqual(['2', '3', '4four', '5'])
  })

  it('waits for a log that does not exist yet', async () => {
    using log = createLog()
    rmSync(log.path)
    const following = collect(log.path, 10, (line) => line === 'hello')
    writeFileSync(log.path, 'hello\n')
    expect(await following).toEqual(['hello'])
  })

  it('crosses rotations that happen while it looks elsewhere, also when the log grew beyond its offset', async () => {
    using log = createLog()
    log.write('a\n')
    const seen = await collect(log.path, 1, async (line) => {
      if (line === 'a') {
        log.write('b\nc unfin')
        await log.rotate()
        log.write('ished\nd\n')
        await log.rotate()
        log.write(`e ${'long'.repeat(1000)}\n`)
        await log.rotate()
        log.write(`f ${'long'.repeat(1000)}\n`)
      }
      return line.startsWith('f')
    })
    expect(seen.map((line) => line.slice(0, 12))).toEqual([
      'a',
      'b',
      'c unfinished',
      'd',
      'e longlonglo',
      'f longlonglo',
    ])
  })

  it('says so when whole generations were deleted unread', async () => {
    using log = createLog()
    log.write('a\n')
    await log.rotate()
    log.write('b\n')
    const seen = await collect(log.path, 1, async (line) => {
      if (line === 'b') {
        for (const next of ['c', 'd', 'e', 'f', 'g', 'h']) {
          log.write(`${next}\n`)
          await log.rotate()
        }
        log.write('i\n')
      }
      return line === 'i'
    })
    expect(seen[0]).toBe('b')
    expect(seen[1]).toMatch(/some lines may be missing/)
    expect(seen.at(-1)).toBe('i')
  })

  it('starts over when the log is emptied by hand', async () => {
    using log = createLog()
    log.write('a long first line\n')
    const seen = await collect(log.path, 1, (line) => {
      if (line.startsWith('a')) writeFileSync(log.path, 'new\n')
      return line === 'new'
    })
    expect(seen).toEqual(['a long first line', 'new'])
  })

  it('ends at once on an abort, in the middle of waiting', async () => {
    using log = createLog()
    const stop = new AbortController()
    const following = followLog({ path: log.path, lines: 0, signal: stop.signal }).next()
    setImmediate(() => stop.abort())
    expect(await following).toEqual({ done: true, value: undefined })
  })

  it('loses and doubles nothing of a real child across many rotations', { timeout: 30_000 }, async () => {
    using log = createLog()
    const rotation = createLogRotation({
      path: log.path,
      maxBytes: 192 * 1024,
      keep: 3,
      onError: failOnError,
    })
    // Not connected as well: a rotation that it made would be missing in this count.
    let rotations = 0
    const following = collect(log.path, 20_000, (line) => line.startsWith('line 00011999'))
    // Bursts far apart, so that none falls into the microseconds between the last read and the truncation.
    const child = spawnWriter(log.path, numberedWriter, '12000', '6000', '', '25')
    const counter = setInterval(() => {
      void rotation.check().then((rotated) => {
        if (rotated) rotations++
      })
    }, 10)
    const seen = await following
    expect(await waitForExit(child)).toBe(0)
    clearInterval(counter)
    await rotation.check()
    expect(seen.map((line) => Number(line.slice(5, 13)))).toEqual(Array.from({ length: 12_000 }, (_, i) => i))
    expect(rotations).toBeGreaterThanOrEqual(3)
  })

  it('stays small while it reads a line of 100 MB', { timeout: 30_000 }, async () => {
    using log = createLog()
    log.write('start\n')
    const before = process.memoryUsage().rss
    const [, line] = await collect(log.path, 1, (each) => {
      if (each === 'start') {
        const chunk = 'y'.repeat(1024 * 1024)
        for (let i = 0; i < 100; i++) log.write(chunk)
        log.write('\nnext\n')
      }
      return each === 'next'
    })
    expect(line).toMatch(/^y{65536} … \[104792064 bytes of this line cut\]$/)
    expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1024 * 1024)
  })
})
