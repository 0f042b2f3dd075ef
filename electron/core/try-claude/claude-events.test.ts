// Lines as Claude Code 2.1.197 prints them (`--print --output-format stream-json --verbose`), cut to what is read.
import { describe, expect, it } from 'vitest'
import { readClaudeAnswer } from './claude-events.ts'
import type { ClaudeRun } from './claude-run.ts'
import { problemOf } from './try-step.ts'

const init =
  '{"type":"system","subtype":"init","session_id":"fe61","tools":["Bash","Edit"],"model":"opta-claude-3-r1","claude_code_version":"2.1.197","skills":[]}'
const retry =
  '{"type":"system","subtype":"api_retry","attempt":1,"max_retries":15,"retry_delay_ms":532.3,"error_status":null,"error":"unknown","session_id":"fe61"}'
const compacted =
  '{"type":"system","subtype":"compact_boundary","session_id":"fe61","compact_metadata":{"trigger":"auto","pre_tokens":4100}}'
const result =
  '{"type":"result","subtype":"success","is_error":false,"api_error_status":null,"duration_ms":9823,"ttft_ms":9796,"num_turns":1,"result":"Hello.","stop_reason":"end_turn","session_id":"fe61","usage":{"input_tokens":1443,"cache_creation_input_tokens":0,"cache_read_input_tokens":57,"output_tokens":6},"modelUsage":{"opta-claude-3-r1":{"inputTokens":1443,"contextWindow":8192}}}'
const refused =
  '{"type":"result","subtype":"success","is_error":true,"api_error_status":401,"duration_ms":256,"num_turns":1,"result":"Failed to authenticate. API Error: 401 this API key is not known here","stop_reason":"stop_sequence","session_id":"d070","usage":{"input_tokens":0,"output_tokens":0},"modelUsage":{}}'
const unusable =
  '{"type":"result","subtype":"error_during_execution","duration_ms":0,"is_error":true,"num_turns":0,"stop_reason":null,"session_id":"d7e7","usage":{"input_tokens":0,"output_tokens":0},"modelUsage":{},"errors":["Error: --resume requires a valid session ID"]}'

const runOf = (lines: readonly string[], over: Partial<ClaudeRun> = {}): ClaudeRun => ({
  ...readClaudeAnswer(lines),
  lines,
  exitCode: 0,
  timedOut: false,
  complaint: '',
  ...over,
})

describe('readClaudeAnswer', () => {
  it('summarises a run, cached tokens included', () => {
    expect(readClaudeAnswer([init, retry, retry, compacted, result])).toEqual({
      sessionId: 'fe61',
      model: 'opta-claude-3-r1',
      tools: ['Bash', 'Edit'],
      toolCalls: [],
      retries: 2,
      compactions: [{ preTokens: 4100 }],
      result: {
        isError: false,
        apiErrorStatus: null,
        text: 'Hello.',
        inputTokens: 1500,
        outputTokens: 6,
        firstTokenMs: 9796,
        durationMs: 9823,
        contextWindow: 8192,
      },
    })
  })

  it('pairs each call of a tool with its answer, whatever their order', () => {
    const said = (content: string) =>
      `{"type":"assistant","message":{"role":"assistant","content":[${content}]},"session_id":"fe61"}`
    const heard = (content: string) =>
      `{"type":"user","message":{"role":"user","content":[${content}]},"session_id":"fe61"}`
    const lines = [
      said('{"type":"text","text":"I read it."}'),
      said('{"type":"tool_use","id":"call_1","name":"Read","input":{"file_path":"/p/ä.sh"}}'),
      said('{"type":"tool_use","id":"call_2","name":"Bash","input":{"command":"sh /p/ä.sh"}}'),
      heard(
        '{"tool_use_id":"call_2","type":"tool_result","content":"<tool_use_error>no</tool_use_error>","is_error":true}',
      ),
      heard(
        '{"tool_use_id":"call_1","type":"tool_result","content":[{"type":"text","text":"1\\techo"},{"type":"text","text":"日本"}]}',
      ),
      said('{"type":"tool_use","id":"call_3","name":"Bash","input":{}}'),
      '{"type":"user","message":{"role":"user","content":"a text"}}',
    ]
    expect(readClaudeAnswer(lines).toolCalls).toEqual([
      {
        id: 'call_1',
        name: 'Read',
        input: { file_path: '/p/ä.sh' },
        result: '1\techo\n日本',
        isError: false,
      },
      {
        id: 'call_2',
        name: 'Bash',
        input: { command: 'sh /p/ä.sh' },
        result: '<tool_use_error>no</tool_use_error>',
        isError: true,
      },
      { id: 'call_3', name: 'Bash', input: {}, result: null, isError: false },
    ])
  })

  it('skips unknown lines', () => {
    const lines = ['{"type":"rate_limit_event"}', 'not json', '', '{"type":"result"}', init]
    expect(readClaudeAnswer(lines)).toMatchObject({ sessionId: 'fe61', result: null })
  })
})

describe('problemOf', () => {
  it('is none for an answer', () => {
    expect(problemOf(runOf([init, result]))).toBeNull()
  })

  it.each([
    ['a refusal', runOf([init, refused], { exitCode: 1 }), /^Failed to authenticate/],
    ['bad usage', runOf([unusable], { exitCode: 1 }), /--resume requires/],
    [
      'silence',
      runOf([init], { exitCode: 1, complaint: 'no such file' }),
      /^it ended with 1 .*: no such file$/,
    ],
    ['a signal', runOf([init], { exitCode: null }), /^it ended with a signal/],
    ['time running out', runOf([init], { exitCode: null, timedOut: true }), /did not end in time/],
    ['an empty answer', runOf([init, result.replace('Hello.', ' ')]), /was empty/],
    ['a bad end', runOf([init, result], { exitCode: 3 }), /ended with 3/],
  ])('names %s', (_, run, problem) => {
    expect(problemOf(run)).toMatch(problem)
  })
})
