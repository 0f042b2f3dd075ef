// Programs that install something end, and say why, when they hang.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runInstaller } from './run-installer.ts'

const installerThat = (script: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-installer-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'apt-get')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return { path }
}
const { signal } = new AbortController()

it('gives what the program said', async () => {
  const { path } = installerThat('echo "$1 $NEXUS_TEST"; echo bad >&2; exit 100')
  const result = await runInstaller([path, 'install'], { signal, env: { NEXUS_TEST: 'set' } })
  expect(result).toMatchObject({ failed: true, exitCode: 100, stdout: 'install set\n', stderr: 'bad\n' })
})

it('ends a hanging program whose child holds its pipes, and names the command and the limit', async () => {
  const { path } = installerThat('trap "" TERM; sleep 1000 & wait; wait')
  await expect(runInstaller([path, 'update'], { signal, limitMs: 600, graceMs: 100 })).rejects.toThrow(
    `${path} update did not finish within 0.01 minutes and was ended`,
  )
})

it('ends with its signal', async () => {
  const { path } = installerThat('exec sleep 1000')
  const stop = new AbortController()
  const running = runInstaller([path], { signal: stop.signal })
  stop.abort()
  await expect(running).rejects.toThrow('aborted')
})
