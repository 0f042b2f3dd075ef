// The core's log where nothing can be written any more.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openCoreLog } from './core-log.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-core-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('has a line for each error, with its time', () => {
  const path = join(folder, 'core.log')
  const log = openCoreLog(path)
  log.logError(new Error('something'))
  log.close()
  log.logError(new Error('too late'))
  expect(readFileSync(path, 'utf8')).toMatch(/^\d{4}-\d\d-\d\dT\S+Z something\n$/)
})

it('does not end the core when it cannot be written', () => {
  const module = JSON.stringify(join(import.meta.dirname, 'core-log.ts'))
  const path = JSON.stringify(join(folder, 'core.log'))
  // A descriptor for reading only: write(2) answers EBADF.
  const stderr = openSync(import.meta.filename, 'r')
  const program = `import { closeSync, fstatSync, statSync } from 'node:fs'
    import { logToStderr, openCoreLog } from ${module}
    logToStderr(new Error('to nobody'))
    const log = openCoreLog(${path})
    const { ino } = statSync(${path})
    for (let fd = 3; fd < 100; fd++) try { if (fstatSync(fd).ino === ino) closeSync(fd) } catch {}
    log.logError(new Error('to nobody'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    process.stdout.write('goes on')`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', stderr],
    encoding: 'utf8',
  })
  closeSync(stderr)
  expect(stdout).toBe('goes on')
})
