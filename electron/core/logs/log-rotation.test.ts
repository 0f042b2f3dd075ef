import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openLogForChild } from './log-file.ts'
import { generationPath, readGenerationNumbers } from './log-generations.ts'
import { createLogRotation } from './log-rotation.ts'
import { createLogFolder, numberedWriter, spawnWriter, waitForExit } from './test-support/log-test-files.ts'

/** A full disk can't be had: the next copies fail with these, before they have begun or after. */
const disk = vi.hoisted(() => {
  const failures: { readonly code: string; readonly when: 'before' | 'after' }[] = []
  return { failures }
})
vi.mock('node:fs/promises', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs/promises')>()
  return {
    ...fs,
    copyFile: async (from: string, to: string, mode?: number) => {
      const failure = disk.failures.shift()
      if (failure?.when !== 'before') await fs.copyFile(from, to, mode)
      if (failure !== undefined)
        throw Object.assign(new Error(`${failure.code}: copyfile`), { code: failure.code })
    },
  }
})

const failOnError = (error: Error): void => {
  throw error
}
const readFiles = (path: string): readonly string[] =>
  readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)))
const touch = (path: string, content: string): void => {
  closeSync(openLogForChild(path))
  writeFileSync(path, content)
}
/** Oldest first, the log itself last; nothing else that lies beside them. */
const readAll = (path: string): string =>
  [
    ...readGenerationNumbers(path)
      .toReversed()
      .map((number) => generationPath(path, number)),
    path,
  ]
    .map((name) => readFileSync(name, 'utf8'))
    .join('')

describe('check', () => {
  it('leaves a small log and a missing log alone', async () => {
    using log = createLogFolder()
    const rotation = createLogRotation({ path: log.path, maxBytes: 10, keep: 2, onError: failOnError })
    expect(await rotation.check()).toBe(false)
    touch(log.path, 'nine here')
    expect(await rotation.check()).toBe(false)
    expect(readFiles(log.path)).toEqual(['child.log'])
  })

  it('keeps as many generations as asked, all 0600', async () => {
    using log = createLogFolder()
    touch(log.path, '')
    const rotation = createLogRotation({ path: log.path, maxBytes: 13, keep: 2, onError: failOnError })
    for (const content of ['generation one\n', 'generation two\n', 'generation three\n']) {
      appendFileSync(log.path, content)
      expect(await rotation.check()).toBe(true)
    }
    expect(readFiles(log.path).toSorted()).toEqual(['child.log', 'child.log.2', 'child.log.3'])
    expect(readFileSync(`${log.path}.3`, 'utf8')).toBe('generation three\n')
    expect(readFileSync(`${log.path}.2`, 'utf8')).toBe('generation two\n')
    expect(statSync(log.path).size).toBe(0)
    for (const name of readFiles(log.path))
      expect(statSync(join(dirname(log.path), name)).mode & 0o777).toBe(0o600)
  })

  it('makes the generation private though the log is not', async () => {
    using log = createLogFolder()
    touch(log.path, 'ten bytes\n')
    chmodSync(log.path, 0o644)
    const rotation = createLogRotation({ path: log.path, maxBytes: 10, keep: 2, onError: failOnError })
    expect(await rotation.check()).toBe(true)
    expect(statSync(`${log.path}.1`).mode & 0o777).toBe(0o600)
  })

  it('runs once however often it is asked at a time', async () => {
    using log = createLogFolder()
    touch(log.path, 'more than ten bytes\n')
    const rotation = createLogRotation({ path: log.path, maxBytes: 10, keep: 3, onError: failOnError })
    await Promise.all(Array.from({ length: 20 }, () => rotation.check()))
    expect(readFiles(log.path).toSorted()).toEqual(['child.log', 'child.log.1'])
  })

  it('drops old generations that a flood made too large', async () => {
    using log = createLogFolder()
    touch(log.path, '')
    const rotation = createLogRotation({ path: log.path, maxBytes: 300_000, keep: 5, onError: failOnError })
    for (let i = 0; i < 6; i++) {
      appendFileSync(log.path, 'x'.repeat(i < 3 ? 300_000 : 750_000))
      await rotation.check()
    }
    expect(readFiles(log.path).toSorted()).toEqual(['child.log', 'child.log.5', 'child.log.6'])
  })

  it('keeps old generations that fit, whatever their sizes', async () => {
    using log = createLogFolder()
    touch(log.path, '')
    const rotation = createLogRotation({ path: log.path, maxBytes: 300_000, keep: 5, onError: failOnError })
    // Room for 6 * 300,000 bytes.
    for (const size of [300_000, 600_000, 600_000, 550_000]) {
      appendFileSync(log.path, 'x'.repeat(size))
      await rotation.check()
    }
    expect(readGenerationNumbers(log.path)).toHaveLength(3)
  })

  it('makes room on a full disk by its oldest generation, one at a time', async () => {
    using log = createLogFolder()
    touch(log.path, '')
    const errors: Error[] = []
    const onError = (error: Error): void => void errors.push(error)
    const rotation = createLogRotation({ path: log.path, maxBytes: 5, keep: 3, onError })
    for (const content of ['first\n', 'second\n', 'third\n']) {
      appendFileSync(log.path, content)
      await rotation.check()
    }
    appendFileSync(log.path, 'fourth\n')
    disk.failures.push({ code: 'ENOSPC', when: 'before' }, { code: 'ENOSPC', when: 'after' })
    expect(await rotation.check()).toBe(false)
    expect(readAll(log.path)).toBe('second\nthird\nfourth\n')
    expect(await rotation.check()).toBe(false)
    expect(readAll(log.path)).toBe('third\nfourth\n')
    expect(existsSync(`${log.path}.tmp`)).toBe(false)
    expect(errors).toMatchObject([{ message: 'ENOSPC: copyfile', cause: { code: 'ENOSPC' } }])
    expect(await rotation.check()).toBe(true)
    expect(readAll(log.path)).toBe('third\nfourth\n')
    // Full again after it was not is said again.
    disk.failures.push({ code: 'ENOSPC', when: 'after' })
    appendFileSync(log.path, 'fifth\n')
    await rotation.check()
    expect(errors).toHaveLength(2)
  })

  it('gives up no generation for another fault', async () => {
    using log = createLogFolder()
    touch(log.path, 'newest\n')
    writeFileSync(`${log.path}.1`, 'oldest\n')
    const rotation = createLogRotation({ path: log.path, maxBytes: 5, keep: 3, onError: () => {} })
    disk.failures.push({ code: 'EIO', when: 'after' })
    expect(await rotation.check()).toBe(false)
    expect(readAll(log.path)).toBe('oldest\nnewest\n')
  })

  describe('while a child writes', () => {
    const kib = 1024
    /** What a rotation keeps of a log to which this much is added once its copy has begun. */
    const rotateBeside = async (path: string, addedBytes: number): Promise<string> => {
      touch(path, 'begin\n')
      const rotation = createLogRotation({ path, maxBytes: 5, keep: 2, onError: failOnError })
      const rotated = rotation.check()
      // The rotation goes on only in later turns of the event loop.
      while (!existsSync(`${path}.tmp`)) await new Promise((resolve) => setImmediate(resolve))
      appendFileSync(path, `${'x'.repeat(addedBytes - 1)}\n`)
      expect(await rotated).toBe(true)
      return readAll(path)
    }

    it('catches up with it', async () => {
      using log = createLogFolder()
      const kept = await rotateBeside(log.path, 200 * kib)
      expect(kept).toHaveLength('begin\n'.length + 200 * kib)
      expect(kept).toMatch(/^begin\nx+\n$/)
    })

    it('says how much it lost of more than it can copy', async () => {
      using log = createLogFolder()
      const kept = await rotateBeside(log.path, 3000 * kib)
      const [, lost] = /\n\[log rotation: about (\d+) bytes lost/.exec(kept) ?? []
      // It copies 256 KiB in blocks of 64 while the event loop waits, until it is more.
      expect(Number(lost)).toBe((3000 - 320) * kib)
      expect(kept.match(/x+/)?.[0]).toHaveLength(320 * kib)
    })
  })

  it('reports an error once, keeps the log, and rotates when the cause is gone', async () => {
    using log = createLogFolder()
    touch(log.path, 'more than ten bytes\n')
    const errors: string[] = []
    const onError = (error: Error): void => void errors.push(error.message)
    const rotation = createLogRotation({ path: log.path, maxBytes: 10, keep: 1, onError })
    // A log that became unreadable: a folder in its place stands for it, also when the tests run as root.
    renameSync(log.path, `${log.path}-aside`)
    symlinkSync(log.path, log.path)
    await rotation.check()
    await rotation.check()
    expect(errors).toHaveLength(1)
    renameSync(`${log.path}-aside`, log.path)
    expect(await rotation.check()).toBe(true)
    expect(readAll(log.path)).toBe('more than ten bytes\n')
  })
})

describe('a crash of ours in the middle of a rotation', () => {
  const rotationOf = (path: string) =>
    createLogRotation({ path, maxBytes: 10, keep: 3, onError: failOnError })

  it('leaves a half-made copy that the next rotation replaces', async () => {
    using log = createLogFolder()
    touch(log.path, 'line 1\nline 2\n')
    writeFileSync(`${log.path}.tmp`, 'line')
    expect(await rotationOf(log.path).check()).toBe(true)
    expect(readAll(log.path)).toBe('line 1\nline 2\n')
    expect(readFiles(log.path).toSorted()).toEqual(['child.log', 'child.log.1'])
  })

  it('before the truncation: completed without doubling a line', async () => {
    using log = createLogFolder()
    touch(log.path, 'line 1\nline 2\n')
    copyFileSync(log.path, `${log.path}.next`)
    writeFileSync(`${log.path}.1`, 'line 0\n')
    appendFileSync(log.path, 'line 3\n')
    expect(await rotationOf(log.path).check()).toBe(true)
    expect(readAll(log.path)).toBe('line 0\nline 1\nline 2\nline 3\n')
    expect(existsSync(`${log.path}.next`)).toBe(false)
  })

  it('after the truncation: the copy becomes the newest generation', async () => {
    using log = createLogFolder()
    touch(log.path, 'line 1\nline 2\n')
    copyFileSync(log.path, `${log.path}.next`)
    truncateSync(log.path, 0)
    appendFileSync(log.path, 'line 3, longer than the two lines before it together\n')
    expect(await rotationOf(log.path).check()).toBe(true)
    expect(readAll(log.path)).toBe('line 1\nline 2\nline 3, longer than the two lines before it together\n')
  })
})

describe('connect', () => {
  const countWatchers = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length

  it('keeps no watcher of a quiet log once it is disconnected', async () => {
    using log = createLogFolder()
    touch(log.path, 'small\n')
    const rotation = createLogRotation({ path: log.path, maxBytes: 10, keep: 2, onError: failOnError })
    const before = countWatchers()
    const disconnect = rotation.connect()
    await rotation.check()
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    // It waits for a change of the log, not for a time.
    expect(countWatchers()).toBe(before + 1)
    disconnect()
    while (countWatchers() > before) await new Promise((resolve) => setImmediate(resolve))
  })

  it('rotates a log when it has grown, until it is disconnected', async () => {
    using log = createLogFolder()
    using other = createLogFolder()
    const connectTo = (path: string) => {
      touch(path, 'small\n')
      return createLogRotation({ path, maxBytes: 10, keep: 2, onError: failOnError }).connect()
    }
    const disconnect = connectTo(log.path)
    const disconnectOther = connectTo(other.path)
    for (const round of [1, 2]) {
      appendFileSync(log.path, `more than ten bytes ${round}\n`)
      await expect.poll(() => statSync(log.path).size, { interval: 5, timeout: 10_000 }).toBe(0)
    }
    disconnect()
    appendFileSync(log.path, 'more than ten bytes 3\n')
    appendFileSync(other.path, 'more than ten bytes\n')
    // By then the first would be too.
    await expect.poll(() => statSync(other.path).size, { interval: 5, timeout: 10_000 }).toBe(0)
    disconnectOther()
    expect(readFileSync(log.path, 'utf8')).toBe('more than ten bytes 3\n')
  })
})

describe('connect, under a flood from a real child', () => {
  it('never stalls the child, stays within bounds, and doubles no line', { timeout: 30_000 }, async () => {
    using log = createLogFolder()
    const maxBytes = 1024 * 1024
    const keep = 3
    let rotations = 0
    const rotation = createLogRotation({ path: log.path, maxBytes, keep, onError: failOnError })
    const report = `${log.path}-report.json`
    const rssBefore = process.memoryUsage().rss
    const child = spawnWriter(log.path, numberedWriter, '200000', '100000', report)
    const disconnect = rotation.connect()
    let largestTotal = 0
    let largestFile = 0
    const sample = setInterval(() => {
      const names = readFiles(log.path).filter((name) => !name.endsWith('json'))
      const sizes = names.map(
        (name) => statSync(join(dirname(log.path), name), { throwIfNoEntry: false })?.size ?? 0,
      )
      largestTotal = Math.max(
        largestTotal,
        sizes.reduce((a, b) => a + b, 0),
      )
      largestFile = Math.max(largestFile, ...sizes)
      rotations = Math.max(rotations, readGenerationNumbers(log.path)[0] ?? 0)
    }, 5)
    expect(await waitForExit(child)).toBe(0)
    clearInterval(sample)
    disconnect()
    await rotation.check()

    const [written, slowestMs] = readFileSync(report, 'utf8').split(' ').map(Number)
    expect(written).toBe(200_000)
    // A child that had to wait would wait for as long as the lock was held: no write came near that.
    expect(slowestMs).toBeLessThan(2_000)
    expect(rotations).toBeGreaterThanOrEqual(3)
    // Kept generations (the newest two whatever their size), the file, and the copy. How large one file gets between
    // two looks is a matter of how busy the machine is, so the bound is in terms of the largest one seen.
    expect(largestTotal).toBeLessThanOrEqual(
      Math.max((keep + 1) * maxBytes, 2 * largestFile) + 2 * largestFile,
    )
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(64 * 1024 * 1024)

    const kept = readAll(log.path)
    const numbers = [...kept.matchAll(/^line (\d{8}) x{60}$/gm)].map((match) => Number(match[1]))
    expect(numbers.length).toBeGreaterThan(20_000)
    let notAfter = 0
    let missing = 199_999 - (numbers.at(-1) ?? 0)
    for (let i = 1; i < numbers.length; i++) {
      const step = (numbers[i] ?? 0) - (numbers[i - 1] ?? 0)
      if (step <= 0) notAfter++
      missing += step - 1
    }
    expect(notAfter).toBe(0)
    const lineBytes = 'line 00000000 \n'.length + 60
    const saidBytes = [...kept.matchAll(/about (\d+) bytes lost/g)].reduce((sum, [, n]) => sum + Number(n), 0)
    // What the copy could not keep up with is said; besides, the documented window, wider when a busy machine suspends
    // us inside it.
    expect(missing * lineBytes - saidBytes).toBeLessThan(200_000 * lineBytes * 0.1)
  })
})
