import { describe, expect, it } from 'vitest'
import { judgePlannedTools, judgeRunningTools, parseToolCaps } from './checks-on-tools.ts'

/** As b10068 answers, cut to what is read; the first with R1's own template, the second with ours. */
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
  it('passes a server that renders all of it', () => {
    expect(judgeRunningTools(parseToolCaps(props(true)), 'p')).toMatchObject({ level: 'ok', mend: null })
  })

  it('names what is dropped, and the setting', () => {
    expect(
      judgeRunningTools(parseToolCaps(props(false)), 'llamaServer.chatTemplate in /c.json'),
    ).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('drops the tools that an agent offers: an agent'),
      mend: expect.stringContaining('llamaServer.chatTemplate in /c.json'),
    })
  })

  it('does not know where the server does not say', () => {
    expect(judgeRunningTools(parseToolCaps('{"total_slots": 4}'), 'p').level).toBe('unknown')
    expect(judgeRunningTools(parseToolCaps('<html>'), 'p').level).toBe('unknown')
    expect(judgeRunningTools({ kind: 'failed', reason: 'no answer' }, 'p')).toMatchObject({
      level: 'unknown',
      found: 'no answer',
    })
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

  it.each([{}, { supports_new_things: true }, 'none', []])('caps of %j say nothing', (caps) => {
    expect(parseToolCaps(JSON.stringify({ chat_template_caps: caps }))).toEqual({ kind: 'silent' })
  })

  it('judges what it knows and names what it does not', () => {
    const judge = (caps: object) =>
      judgeRunningTools(parseToolCaps(JSON.stringify({ chat_template_caps: caps })), 'p')
    expect(judge({ supports_tools: false })).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('drops the tools that an agent offers: an agent'),
    })
    expect(judge({ supports_tools: true })).toMatchObject({
      level: 'unknown',
      found:
        'the llama-server that runs renders the tools that an agent offers; it does not say whether it renders its earlier calls, its system prompt',
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
