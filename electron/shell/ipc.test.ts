// Who may call and with what. Stand-ins for frames: a real window cannot be made to forge its own.
import { beforeEach, describe, expect, it } from 'vitest'
import { AppActionSchema } from '../contract/app.ts'
import { CommandSchema } from '../contract/command.ts'
import { answerCall, type CallEvent, type Caller } from './ipc.ts'

const frame = (url: string) => ({ url })
const contents = (url: string): Caller => ({ getURL: () => url, mainFrame: frame(url) })

const start = { type: 'start', only: null, profile: null, force: false }
const window = contents('nexus://app/index.html')
let done: unknown[]

beforeEach(() => {
  done = []
})

const call = (event: CallEvent, payload: unknown = start, ours: Caller | null = window) =>
  answerCall(event, ours, payload, {
    channel: 'nexus:dispatch',
    schema: CommandSchema,
    carryOut: (command) => {
      done.push(command)
      return { accepted: true }
    },
  })

describe('the window', () => {
  it('is answered', async () => {
    expect(await call({ sender: window, senderFrame: window.mainFrame })).toEqual({
      ok: true,
      value: { accepted: true },
    })
    expect(done).toEqual([start])
  })

  it('is answered by an Electron that does not know frames', async () => {
    expect(await call({ sender: window })).toMatchObject({ ok: true })
  })

  it.each([
    ['an unknown command', { type: 'rm', path: '/' }],
    ['a wrong service', { ...start, only: 'kernel' }],
    ['extra keys', { ...start, shell: 'sh' }],
    ['nothing', null],
    ['a prototype', JSON.parse('{"__proto__": {"type": "start"}}')],
  ])('is refused %s in words, and nothing is done', async (_what, payload) => {
    const reply = await call({ sender: window, senderFrame: window.mainFrame }, payload)
    expect(reply).toMatchObject({ ok: false, reason: expect.stringContaining('nexus:dispatch: ') })
    expect(done).toEqual([])
  })

  it('hears why something failed', async () => {
    const reply = await answerCall({ sender: window }, window, start, {
      channel: 'x',
      schema: CommandSchema,
      carryOut: () => Promise.reject(new Error('no core answers')),
    })
    expect(reply).toEqual({ ok: false, reason: 'no core answers' })
  })

  it('names pages, never addresses', () => {
    const named = AppActionSchema.safeParse({ type: 'openPage', page: 'login-items' })
    expect(named.success).toBe(true)
    for (const page of ['https://example.org', 'file:///etc/passwd', 'javascript:alert(1)']) {
      expect(AppActionSchema.safeParse({ type: 'openPage', page }).success).toBe(false)
    }
  })
})

describe('any other sender', () => {
  const other = contents('nexus://app/index.html')
  const away = contents('https://example.org/')
  const strangers: readonly (readonly [string, CallEvent, Caller | null])[] = [
    ['another window', { sender: other, senderFrame: other.mainFrame }, window],
    ['a frame inside of ours', { sender: window, senderFrame: frame('nexus://app/index.html') }, window],
    ['a frame that is gone', { sender: window, senderFrame: null }, window],
    ['ours after it went elsewhere', { sender: away, senderFrame: away.mainFrame }, away],
    ['ours after it went elsewhere, in an old Electron', { sender: away }, away],
    ['an address that only begins like ours', { sender: contents('nexus://app.evil/') }, null],
    ['a window before there is one', { sender: other, senderFrame: other.mainFrame }, null],
  ]
  it.each(strangers)('%s is refused', async (_what, event, ours) => {
    expect(await call(event, start, ours)).toEqual({
      ok: false,
      reason: 'nexus:dispatch: only the window may ask',
    })
    expect(done).toEqual([])
  })

  it('is refused by origin, not by how an address begins', async () => {
    const evil = contents('nexus://app.evil/')
    expect(await call({ sender: evil, senderFrame: evil.mainFrame }, start, evil)).toMatchObject({
      ok: false,
    })
  })
})
