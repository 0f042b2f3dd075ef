import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { judgeNodes, type NodeFacts, tryConnect } from './checks-on-nodes.ts'

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
