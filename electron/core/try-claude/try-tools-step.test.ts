import { expect, it } from 'vitest'
import type { ToolCall } from './claude-events.ts'
import { readClaudeAnswer } from './claude-events.ts'
import type { ClaudeRun } from './claude-run.ts'
import { makeTask, problemOfWork } from './try-tools-step.ts'

const task = makeTask(1_234)

const call = (name: string, result: string | null, isError = false): ToolCall => ({
  id: name,
  name,
  input: {},
  result,
  isError,
})
const done = [
  call('Read', '1\techo "Hello, wrold"'),
  call('Edit', 'The file has been updated.'),
  call('Bash', 'Hello, world 8638'),
]
const runOf = (toolCalls: readonly ToolCall[], text = 'It printed Hello, world 8638.'): ClaudeRun => ({
  ...readClaudeAnswer([
    `{"type":"result","is_error":false,"result":${JSON.stringify(text)},"num_turns":4,"duration_ms":1,"usage":{"input_tokens":1,"output_tokens":1}}`,
  ]),
  toolCalls,
  lines: [],
  exitCode: 0,
  timedOut: false,
  complaint: '',
})

it('prints a number that is nowhere in the task, only by running', () => {
  expect(task.printed).toBe('Hello, world 8638')
  expect(`${task.before}${task.after}`).not.toContain('8638')
})

it('accepts the right file and the number that only a run prints', () => {
  expect(problemOfWork(runOf(done), task.after, task)).toBeNull()
})

it.each([
  ['words alone', [], task.before, /called no tool and only talked: "It printed Hello, world 8638/],
  ['a file that stayed', done, task.before, /^the file is unchanged; its calls: Read; Edit; Bash/],
  [
    'an edit that did not match',
    [call('Edit', 'String to replace not found in file.\nString: x', true)],
    task.before,
    /Edit failed \("String to replace not found in file\."\)/,
  ],
  ['another change', done, 'echo Hello, world 8638', /changed to something else/],
  [
    'no run',
    done.slice(0, 2),
    task.after,
    /no Bash call printed "Hello, world 8638"; its calls: Read; Edit$/,
  ],
  [
    'a number that was made up',
    [...done.slice(0, 2), call('Bash', 'Hello, world 42')],
    task.after,
    /no Bash call/,
  ],
  ['a call without an answer', [call('Read', null)], task.before, /Read got no answer/],
])('is not content with %s', (_, toolCalls, content, problem) => {
  expect(problemOfWork(runOf(toolCalls), content, task)).toMatch(problem)
})

it('says so when the work is done and the client failed after it', () => {
  const run = { ...runOf(done, ''), exitCode: 1 }
  expect(problemOfWork(run, task.after, task)).toBe('the work is done, but it answered, but ended with 1')
})
