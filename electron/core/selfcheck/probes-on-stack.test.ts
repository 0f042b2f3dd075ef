// The probes on the demo stack when it does not start, or starts wrong; the working case is tested end to end.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { locateStateFolder } from '../config/state-folder.ts'
import { createLinuxPlatform } from '../platform/linux-platform.ts'
import { openLedger } from '../supervise/ledger.ts'
import type { PrivateStack, SelfcheckContext } from './context.ts'
import { probesOnStack } from './probes-on-stack.ts'
import { createTestContext, exited, tryProbes } from './test-support/probes.ts'

let folder: string
let server: Server
let baseUrl: string
let answer: { status: number; body: string }
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-stack-probes-'))
  mkdirSync(join(folder, 'keys'))
  writeFileSync(join(folder, 'keys', 'proof.key'), 'sk-proof-1\n')
  answer = { status: 500, body: '{}' }
  server = createServer((_, response) => response.writeHead(answer.status).end(answer.body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  baseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

const ends: string[] = []
const createStack = (left: string | null = null, overall: 'ready' | 'failed' = 'ready'): PrivateStack => {
  const snapshot = { ...sampleSnapshot, overall }
  const at = (service: typeof snapshot.services.proxy) => ({ ...service, endpoint: baseUrl })
  const { proxy, llamaServer, ramDisk } = snapshot.services
  const told = { ...snapshot, services: { ramDisk, proxy: at(proxy), llamaServer: at(llamaServer) } }
  return {
    folder: locateStateFolder({ NEXUS_HOME: folder, NEXUS_SHARED: folder }, 'linux', folder),
    snapshot: told,
    end: async () => {
      ends.push('end')
      return left
    },
  }
}

const tryOn = (ids: readonly string[], overrides: Partial<SelfcheckContext>) => {
  ends.length = 0
  const context = createTestContext({
    workDir: folder,
    createPlatform: (run) => createLinuxPlatform({ ramDiskRoot: folder, run }),
    ...overrides,
  })
  return tryProbes(probesOnStack(context), ids, async () => exited(''))
}

describe('the demo stack', () => {
  it('is skipped when set-up fails, with its reason', async () => {
    const { results } = await tryOn(['stack.set-up', 'stack.start', 'stack.long-prompt', 'stack.stop'], {
      ensureSetUp: () => Promise.reject(new Error('no network')),
    })
    expect(Object.values(results)).toEqual([
      { verdict: 'fail', found: 'no network' },
      { verdict: 'not-applicable', found: 'set-up failed' },
      { verdict: 'not-applicable', found: 'the demo stack did not start' },
      { verdict: 'not-applicable', found: 'the demo stack did not start' },
    ])
  })

  it('fails to start with the reason, and is ended anyway', async () => {
    const failed = await tryOn(['stack.set-up', 'stack.start'], {
      openStack: () => Promise.reject(new Error('port taken')),
    })
    expect(failed.results['stack.start']).toEqual({ verdict: 'fail', found: 'port taken' })
    const { results, left } = await tryOn(['stack.set-up', 'stack.start'], {
      openStack: async () => createStack(),
    })
    expect(results['stack.start']).toMatchObject({ verdict: 'pass' })
    expect(left).toEqual([])
    expect(ends).toEqual(['end'])
  })

  it('is reported as left when it cannot be ended', async () => {
    const { results, left } = await tryOn(['stack.set-up', 'stack.start', 'stack.stop'], {
      openStack: async () => createStack('llama-server does not end'),
    })
    expect(results['stack.stop']).toEqual({ verdict: 'fail', found: 'llama-server does not end' })
    expect(left[0]).toMatch(
      /the demo stack \(llama-server does not end\); remove it: NEXUS_HOME=.* nexus down/,
    )
  })

  it('fails each probe with the actual answer', async () => {
    const ids = ['stack.long-prompt', 'stack.no-key', 'stack.guest-socket']
    const { results } = await tryOn(['stack.set-up', 'stack.start', ...ids], {
      openStack: async () => createStack(null, 'failed'),
    })
    expect(ids.map((id) => results[id]?.verdict)).toEqual(['fail', 'fail', 'fail'])
    expect(results['stack.long-prompt']?.found).toContain('status 500')
    expect(results['stack.no-key']?.found).toBe(
      'Router without a key 500, with a wrong one 500; AI Engine 500',
    )
    expect(results['stack.guest-socket']?.found).toBe('no core answers')
  })

  it("fails when a server's command line, identity or port differs from the record", async () => {
    const processes = createLinuxPlatform({ ramDiskRoot: folder }).processes
    const own = await processes.readIdentity(process.pid)
    const ledger = openLedger(join(folder, 'ledger.json'))
    const entry = {
      pid: process.pid,
      argv: ['/opt/llama-server', '--port', '1'],
      profile: 'demo',
      spawnedAtMs: 1,
      logMark: { previous: 0, offset: 0 },
    }
    ledger.record({ ...entry, service: 'llamaServer', startedAt: own?.startedAt ?? '' })
    ledger.record({ ...entry, service: 'proxy', startedAt: 'another time' })
    const { results } = await tryOn(['stack.set-up', 'stack.start', 'stack.processes'], {
      openStack: async () => createStack(),
    })
    expect(results['stack.processes']).toMatchObject({ verdict: 'fail' })
    expect(results['stack.processes']?.found).toContain(
      'llamaServer was started as /opt/llama-server --port 1',
    )
    expect(results['stack.processes']?.found).toContain(`proxy (${process.pid}) has another identity`)
  })
})
