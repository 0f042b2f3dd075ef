// A core that runs on after Nexus was updated, as its client meets it.
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { attachToCore } from './client.ts'

/** Answers everything with this line. */
const readFromCoreThatSays = async (said: string): Promise<unknown> => {
  const socketPath = join(mkdtempSync(join(tmpdir(), 'nexus-control-')), 'control.sock')
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.write(`${said}\n`))
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  try {
    const client = await attachToCore(socketPath)
    const outcome = await client?.readSnapshot().then(
      () => 'a snapshot',
      (error: unknown) => String(error),
    )
    await client?.closed
    return outcome
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

const saidByOther = JSON.stringify({
  kind: 'snapshot',
  id: 1,
  snapshot: { ...sampleSnapshot, owner: { ...sampleSnapshot.owner, pid: 4711 }, version: 0 },
})

it.each([
  [
    'one that says who it is',
    saidByOther,
    'kill 4711 ends only the core, and nexus up takes over its running services',
  ],
  [
    'one that pushes to no subscription, as cores did until November 2026',
    JSON.stringify({ kind: 'snapshot', id: null, snapshot: sampleSnapshot }),
    `kill ${sampleSnapshot.owner.pid} ends only the core`,
  ],
  ['one that does not say who it is', '{"kind":"snapshot","id":1}', 'end its process'],
  ['one that speaks no JSON', 'HTTP/1.1 400 Bad Request', 'end its process'],
])('%s: says how to end it without its services', async (_, said, advice) => {
  expect(await readFromCoreThatSays(said)).toContain(advice)
})
