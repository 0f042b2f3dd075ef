import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ToolBook } from '../router/tool-book.ts'
import { ok, warn } from './check.ts'
import {
  addSeenCall,
  judgeLeftOut,
  judgePlannedTools,
  judgeRunningTools,
  parseToolCaps,
  readToolCaps,
} from './checks-on-tools.ts'

/** From b10068, cut to what is parsed; the first with R1's own template, the second with ours. */
const props = (tools: boolean) =>
  JSON.stringify({
    chat_template_caps: {
      supports_object_arguments: tools,
      supports_parallel_tool_calls: tools,
      supports_preserve_reasoning: false,
      supports_string_content: true,
      supports_system_role: true,
      supports_tool_calls: true,
      supports_tools: tools,
      supports_typed_content: false,
    },
    total_slots: 4,
  })

describe('judgeRunningTools', () => {
  it('passes a server that renders everything', () => {
    expect(judgeRunningTools(parseToolCaps(props(true)), 'p')).toMatchObject({ level: 'ok', mend: null })
  })

  it('names what is dropped, and the setting', () => {
    expect(
      judgeRunningTools(parseToolCaps(props(false)), 'llamaServer.chatTemplate in /c.json'),
    ).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('drops the tools that an agent offers: agents'),
      mend: expect.stringContaining('llamaServer.chatTemplate in /c.json'),
    })
  })

  it('is unknown when the server does not report it', () => {
    expect(judgeRunningTools(parseToolCaps('{"total_slots": 4}'), 'p').level).toBe('unknown')
    expect(judgeRunningTools(parseToolCaps('<html>'), 'p').level).toBe('unknown')
    expect(judgeRunningTools({ kind: 'failed', reason: 'no answer' }, 'p')).toMatchObject({
      level: 'unknown',
      found: 'no answer',
    })
  })
})

describe('readToolCaps', () => {
  it.each([
    ['a named pipe', (path: string) => execFileSync('mkfifo', [path])],
    ['a device', (path: string) => symlinkSync('/dev/zero', path)],
  ])('neither waits for %s in the place of the key nor reads it', async (kind, make) => {
    const keysDir = mkdtempSync(join(tmpdir(), 'nexus-caps-'))
    onTestFinished(() => rmSync(keysDir, { recursive: true }))
    make(join(keysDir, 'engine.key'))
    const caps = await readToolCaps({ host: '127.0.0.1', port: 1 }, keysDir, new AbortController().signal)
    expect(caps).toMatchObject({ kind: 'failed', reason: expect.stringContaining(`engine.key is ${kind}`) })
  })
})

describe('parseToolCaps', () => {
  // Values made up; the keys are those of b10068.
  it.each([
    [{ supports_tools: false }, { tools: false, toolCalls: null, systemRole: null }],
    [{ supports_tool_calls: true }, { tools: null, toolCalls: true, systemRole: null }],
    [
      { supports_tools: true, supports_tool_calls: null, supports_system_role: 'yes' },
      { tools: true, toolCalls: null, systemRole: null },
    ],
  ])('a key that is missing or foreign is not known, the others are: %j', (caps, values) => {
    expect(parseToolCaps(JSON.stringify({ chat_template_caps: caps }))).toEqual({ kind: 'caps', ...values })
  })

  it.each([{}, { supports_new_things: true }, 'none', []])('caps of %j are silent', (caps) => {
    expect(parseToolCaps(JSON.stringify({ chat_template_caps: caps }))).toEqual({ kind: 'silent' })
  })

  it('judges what is reported and names what is not', () => {
    const judge = (caps: object) =>
      judgeRunningTools(parseToolCaps(JSON.stringify({ chat_template_caps: caps })), 'p')
    expect(judge({ supports_tools: false })).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('drops the tools that an agent offers: agents'),
    })
    expect(judge({ supports_tools: true })).toMatchObject({
      level: 'unknown',
      found:
        'the running llama-server renders the tools that an agent offers; it does not report whether it renders its earlier calls, its system prompt',
    })
  })
})

describe('judgePlannedTools', () => {
  it.each([
    [{ kind: 'file', path: '/ours.jinja', toolless: false, reason: 'x' }, 'ok'],
    [{ kind: 'file', path: '/ours.jinja', toolless: true, reason: 'x' }, 'warn'],
    [{ kind: 'own', toolless: false, reason: 'its own renders tools' }, 'ok'],
    [{ kind: 'own', toolless: true, reason: 'it has none' }, 'warn'],
    [{ kind: 'own', toolless: null, reason: 'not readable' }, 'unknown'],
  ] as const)('%j is %s', (choice, level) => {
    expect(judgePlannedTools(choice, 'p').level).toBe(level)
  })
})

const nothing = { requests: 0, names: [] }
const book = (changes: Partial<ToolBook> = {}): ToolBook => ({
  day: '2026-11-28',
  keywords: nothing,
  searches: nothing,
  tools: nothing,
  lastCall: { at: Date.UTC(2026, 10, 28, 21, 5), client: 'claude-cli/2.1.332', engine: 'e1' },
  ...changes,
})

describe('addSeenCall', () => {
  const renders = ok('yes: it renders them')

  it('reports a tool call only from this model and build', () => {
    expect(addSeenCall(renders, 'e1', book()).found).toBe(
      'tools reach the model and it called one (2026-11-28 21:05 UTC, by claude-cli/2.1.332); yes: it renders them',
    )
  })

  it.each([
    ['nothing was seen', 'e1', null, /no tool call seen yet/],
    ['tools were left out, and no call seen', 'e1', book({ lastCall: null }), /no tool call seen yet/],
    ['the model has changed since', 'e2', book(), /with another model, build or setting \(2026-11-28/],
    ['the running model is unknown', null, book(), /with another/],
    [
      'the model was unknown then',
      null,
      book({ lastCall: { at: 0, client: 'curl/8', engine: null } }),
      /with another/,
    ],
  ])('does not where %s', (_, engine, seen, found) => {
    const verdict = addSeenCall(renders, engine, seen)
    expect(verdict.found).toMatch(found)
    expect(verdict.found).not.toContain('came back')
  })

  it('never hides a fault', () => {
    const drops = warn('drops the tools', 'Mend it.')
    expect(addSeenCall(drops, 'e1', book())).toBe(drops)
  })
})

describe('judgeLeftOut', () => {
  it("names what was left out of today's requests, each with its count", () => {
    const seen = book({
      keywords: { requests: 1, names: ['add_note', '(the answer)'] },
      tools: { requests: 40, names: ['Monitor'] },
    })
    expect(judgeLeftOut(seen, '2026-11-28')?.found).toBe(
      "left out today: schema keywords that llama-server's grammar can't take, in add_note, (the answer) (1 request); tools that the profile's proxy.tools does not name: Monitor (40 requests)",
    )
  })

  it('ignores other days, and empty books', () => {
    const seen = book({ searches: { requests: 2, names: ['web_search'] } })
    expect(judgeLeftOut(seen, '2026-11-29')).toBeNull()
    expect(judgeLeftOut(book(), '2026-11-28')).toBeNull()
    expect(judgeLeftOut(null, '2026-11-28')).toBeNull()
  })
})
