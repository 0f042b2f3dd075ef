// A service manager's core: stands by while another one runs, and is the core as soon as that one is gone.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

let nexus: NexusUnderTest | null = null
let hosts: ChildProcess[] = []
afterEach(async () => {
  for (const host of hosts) {
    if (host.exitCode === null && host.signalCode === null) {
      const ended = once(host, 'exit')
      host.kill('SIGTERM')
      await ended
    }
  }
  hosts = []
  await nexus?.dispose()
})

/** `nexus serve`; `listening` settles with the line that says so. */
const serve = (home: string, ...words: readonly string[]) => {
  const child = spawn(join(import.meta.dirname, '..', 'scripts', 'nexus'), ['serve', ...words], {
    env: { ...process.env, NEXUS_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  hosts.push(child)
  const listening = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('The core listens')) resolve()
    })
  })
  return { child, listening }
}

it('comes after the core that runs, even after kill -9', async () => {
  nexus = await createNexus()
  const first = serve(nexus.home)
  await first.listening
  const second = serve(nexus.home, '--wait')
  const third = await nexus.run('serve')
  expect(third.code).toBe(1)
  expect(third.stderr).toContain('a core already runs')
  expect((await nexus.readSnapshot()).owner.pid).toBe(first.child.pid)
  first.child.kill('SIGKILL')
  await second.listening
  expect((await nexus.readSnapshot()).owner.pid).toBe(second.child.pid)
})
