// Staying awake on a pretended Mac: once for each server, and never twice.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDetachedStarter, keepDarwinAwakeWhile, type StartDetached } from './darwin-platform.ts'
import type { RunCommand } from './run-command.ts'

/** `ps` shows what was started; nothing ends here. */
const createMac = () => {
  const started: string[] = ['/sbin/launchd']
  const start: StartDetached = (argv) => void started.push(`/usr/bin/${argv.join(' ')}`)
  const run: RunCommand = async ([command]) =>
    command === 'ps'
      ? { kind: 'exited', exitCode: 0, stdout: `${started.join('\n')}\n`, stderr: '' }
      : { kind: 'not-run', reason: `unexpected ${command}` }
  return { started, start, run }
}

describe('keepDarwinAwakeWhile', () => {
  it('holds once for each process, however often it is asked', async () => {
    const { started, start, run } = createMac()
    for (const pid of [812, 812, 81]) await keepDarwinAwakeWhile(run, start, pid)
    expect(started.slice(1)).toEqual(['/usr/bin/caffeinate -s -w 812', '/usr/bin/caffeinate -s -w 81'])
  })

  it('holds although ps does not answer', async () => {
    const { started, start } = createMac()
    await keepDarwinAwakeWhile(async () => ({ kind: 'not-run', reason: 'gone' }), start, 5)
    expect(started).toHaveLength(2)
  })
})

describe('createDetachedStarter', () => {
  it('starts the program that is on the path it was given', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-awake-'))
    const said = join(folder, 'said')
    writeFileSync(
      join(folder, 'caffeinate'),
      `#!/bin/sh\necho "$@" > '${said}.new'\n/bin/mv '${said}.new' '${said}'\n`,
    )
    chmodSync(join(folder, 'caffeinate'), 0o755)
    const watcher = watch(folder)
    const written = new Promise<void>((resolve) => {
      watcher.on('change', () => existsSync(said) && resolve())
    })
    createDetachedStarter(folder)(['caffeinate', '-s', '-w', '7'])
    await written
    watcher.close()
    expect(readFileSync(said, 'utf8')).toBe('-s -w 7\n')
    rmSync(folder, { recursive: true })
  })

  it('bears a program that is not there', async () => {
    createDetachedStarter('/nonexistent')(['caffeinate', '-s'])
    // The error comes in a later turn, and would end this process without a listener.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  })
})
