// The command that Claude Code runs: its request, and that it shows nothing without an answer.
import { createServer, type IncomingMessage } from 'node:http'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { statusLine } from './status-line.ts'

/** Like Claude Code: JSON on stdin, cut to the fields we read. */
const show = (baseUrl: string) =>
  execa('/bin/sh', ['-c', statusLine('unix').command], {
    input: '{"session_id":"fd2fd12f-dbe4","transcript_path":"/x","cwd":"/y"}',
    env: {
      PATH: process.env['PATH'] ?? '',
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_AUTH_TOKEN: 'sk-opta-1',
      NO_PROXY: '*',
    },
    extendEnv: false,
    reject: false,
  })

const answering = async (status: number, body: (url: string) => Promise<void>) => {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    response.writeHead(status).end('3 of 4 slots free\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  try {
    await body(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
  return asked
}

describe('the status line', () => {
  it("shows the Router's line for this session and key", async () => {
    const asked = await answering(200, async (url) => {
      expect(await show(url)).toMatchObject({ stdout: '3 of 4 slots free', stderr: '', exitCode: 0 })
    })
    expect(asked[0]?.url).toBe('/opta/status?session=fd2fd12f-dbe4')
    expect(asked[0]?.headers.authorization).toBe('Bearer sk-opta-1')
  })

  it.each([401, 404, 503])('shows nothing when the Router answers %i', async (status) => {
    await answering(status, async (url) => {
      expect(await show(url)).toMatchObject({ stdout: '', stderr: '', exitCode: 0 })
    })
  })

  it('shows nothing when nothing listens', async () => {
    // Port 1 is free on a test machine.
    expect(await show('http://127.0.0.1:1')).toMatchObject({ stdout: '', stderr: '', exitCode: 0 })
  })

  it('keeps the key off command lines, and survives every shell on Windows', () => {
    expect(statusLine('unix').command).not.toMatch(/curl[^|]*Bearer/)
    const encoded = statusLine('windows').command.split(' ').at(-1) ?? ''
    expect(encoded).toMatch(/^[A-Za-z0-9+/=]+$/)
    expect(Buffer.from(encoded, 'base64').toString('utf16le')).toContain('/opta/status?session=$s')
  })
})
