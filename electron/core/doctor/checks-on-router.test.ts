import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { locateStateFolder } from '../config/state-folder.ts'
import {
  judgeName,
  judgeNodes,
  judgeParked,
  type NodeFacts,
  readLiteLlm,
  tryConnect,
} from './checks-on-router.ts'

describe('readLiteLlm', () => {
  let dir = ''
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nexus-doctor-litellm-'))
    writeFileSync(join(dir, 'requirements-litellm.txt'), 'litellm==1.106.2 --hash=sha256:00\n')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  /** @param lock the SHA-256 of the lock that it was installed from */
  const install = (version: string, lock: string, python: string) => {
    const litellm = join(dir, 'runtime', 'litellm')
    mkdirSync(join(litellm, 'lib', 'python3.12', 'site-packages', `litellm-${version}.dist-info`), {
      recursive: true,
    })
    mkdirSync(join(litellm, 'bin'))
    symlinkSync(python, join(litellm, 'bin', 'python'))
    writeFileSync(join(litellm, '.complete'), lock)
  }
  const read = () =>
    readLiteLlm({
      folder: locateStateFolder({ NEXUS_HOME: dir, NEXUS_RUNTIME: join(dir, 'runtime') }, 'linux', dir),
      resourcesDir: dir,
      upCommand: 'nexus up',
      run: async ([program]) =>
        existsSync(program)
          ? { kind: 'exited', exitCode: 0, stdout: 'Python 3.12.3\n', stderr: '' }
          : { kind: 'not-run', reason: 'no such file' },
    })
  const ours = createHash('sha256').update('litellm==1.106.2 --hash=sha256:00\n').digest('hex')

  it('passes only what the lock pins, with a Python that is still there', async () => {
    expect(await read()).toMatchObject({ level: 'fail', mend: 'nexus up' })
    install('1.106.2', ours, process.execPath)
    expect(await read()).toMatchObject({
      level: 'ok',
      found: '1.106.2, the pinned release, on Python 3.12.3',
    })
    rmSync(join(dir, 'runtime'), { recursive: true })
    install('1.105.0', 'of an older lock', process.execPath)
    expect(await read()).toMatchObject({
      level: 'warn',
      found: '1.105.0 on Python 3.12.3; 1.106.2 with the packages of its lock is pinned',
      mend: 'nexus up',
    })
    rmSync(join(dir, 'runtime'), { recursive: true })
    install('1.106.2', ours, join(dir, 'removed-by-an-upgrade'))
    expect(await read()).toMatchObject({
      level: 'fail',
      found: '1.106.2, whose Python does not run: no such file',
      mend: 'nexus up',
    })
  })

  it('suggests removing nothing because of another fault', async () => {
    install('1.106.2', ours, process.execPath)
    rmSync(join(dir, 'requirements-litellm.txt'))
    await expect(read()).rejects.toThrow('requirements-litellm.txt')
  })

  it('suggests removing a bad release', async () => {
    install('1.82.8', ours, process.execPath)
    expect(await read()).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('steals credentials'),
      mend: `rm -rf ${join(dir, 'runtime', 'litellm')} && nexus up`,
    })
  })
})

describe('judgeName', () => {
  const facts = {
    address: '192.168.1.10',
    ownAddresses: ['192.168.1.10'],
    routerRuns: true,
    gatewayUrl: null,
    answeredAt: ['http://ai.opta.local'],
  }

  it('passes where the Router answers, or does not run', () => {
    expect(judgeName(facts).level).toBe('ok')
    expect(judgeName({ ...facts, address: '127.0.0.1' }).level).toBe('ok')
    expect(judgeName(facts).found).not.toContain('nexus traefik')
    const withPort = judgeName({ ...facts, answeredAt: ['http://ai.opta.local:4000'] })
    expect(withPort).toMatchObject({ level: 'ok', found: expect.stringContaining('nexus traefik') })
    expect(judgeName({ ...facts, routerRuns: false, answeredAt: [] }).level).toBe('ok')
  })

  it('requires that a gateway leads to the Router', () => {
    const withGateway = { ...facts, gatewayUrl: 'http://ai.opta.local:8000' }
    expect(judgeName({ ...withGateway, answeredAt: ['http://ai.opta.local:8000'] })).toMatchObject({
      level: 'ok',
      found: expect.not.stringContaining('nexus traefik'),
    })
    expect(judgeName({ ...withGateway, answeredAt: ['http://ai.opta.local:4000'] })).toMatchObject({
      level: 'warn',
      mend: 'nexus logs gateway',
    })
    expect(judgeName({ ...withGateway, routerRuns: false, answeredAt: [] }).level).toBe('ok')
  })

  it('warns of a name without address, of another machine, and of no answer', () => {
    expect(judgeName({ ...facts, address: null, answeredAt: [] })).toMatchObject({
      level: 'warn',
      mend: "echo '192.168.1.10 ai.opta.local' | sudo tee -a /etc/hosts",
    })
    expect(judgeName({ ...facts, address: '192.168.1.99' }).level).toBe('warn')
    expect(judgeName({ ...facts, answeredAt: [] }).level).toBe('warn')
  })
})

describe('judgeParked', () => {
  it('passes conversations that come back', () => {
    expect(judgeParked(false, false)).toMatchObject({ level: 'ok', mend: null })
  })

  it('warns of a model that cannot be restored, with the fix where there is one', () => {
    expect(judgeParked(true, false)).toMatchObject({
      level: 'warn',
      mend: expect.stringContaining('"--swa-full" to llamaServer.pinnedFlags'),
    })
    expect(judgeParked(true, true).mend).toBeNull()
  })
})

describe('other Studios', () => {
  const node = { name: 'studio-2', host: '10.0.0.2', port: 8080 }
  const unreachable = (reason: string) => ({ phase: 'unreachable', reason }) as const
  const ready = { phase: 'ready', reason: null } as const
  const judge = (fromHere: string, fromCore: NodeFacts['fromCore'], isMac = true) =>
    judgeNodes([{ node, fromHere, fromCore }], isMac)

  describe('judgeNodes', () => {
    it('passes a reachable node, even if only the core reaches it', () => {
      expect(judge('reached', ready).level).toBe('ok')
      expect(judge('reached', null).level).toBe('ok')
      expect(judge('ECONNREFUSED', ready)).toMatchObject({
        level: 'ok',
        found: expect.stringContaining('from the core'),
      })
    })
    it('blames local network privacy when Terminal gets through and the core does not', () => {
      const blocked = unreachable('http://10.0.0.2:8080 does not answer: connect EHOSTUNREACH 10.0.0.2:8080')
      expect(judge('reached', blocked)).toMatchObject({
        level: 'warn',
        mend: expect.stringContaining('Local Network'),
      })
      expect(judge('reached', blocked, false).mend).toBe('nexus logs core')
      expect(judge('reached', unreachable('connect ECONNREFUSED')).mend).toBe('nexus logs core')
    })
    it('names it as one of two causes when neither gets through', () => {
      expect(judge('EHOSTUNREACH', null).found).toContain('Local Network')
      expect(judge('EHOSTUNREACH', null, false).found).not.toContain('Local Network')
      expect(judge('no answer', null)).toMatchObject({ level: 'warn', mend: 'nc -vz 10.0.0.2 8080' })
    })
    it('reports every unreachable node', () => {
      const other = { node: { ...node, name: 'studio-3' }, fromHere: 'ECONNREFUSED', fromCore: null }
      const { level, found } = judgeNodes([{ node, fromHere: 'reached', fromCore: ready }, other], true)
      expect(level).toBe('warn')
      expect(found).toBe('studio-3 (10.0.0.2:8080) is unreachable: ECONNREFUSED')
    })
  })

  it('connects to a real socket', async () => {
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await tryConnect('127.0.0.1', port, AbortSignal.timeout(5_000))).toBe('reached')
    await new Promise((resolve) => server.close(resolve))
    expect(await tryConnect('127.0.0.1', port, AbortSignal.timeout(5_000))).toBe('ECONNREFUSED')
    expect(await tryConnect('127.0.0.1', port, AbortSignal.abort())).toBe('no answer')
  })
})
