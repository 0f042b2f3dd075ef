// The step in which an agent works: it reads a file, changes it and runs it. Proved by the file and the tools' answers.
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatSeconds } from '../../wording/figures.ts'
import { messageOf } from '../base/error-message.ts'
import { readRegularFile } from '../base/regular-file.ts'
import type { ToolCall } from './claude-events.ts'
import type { ClaudeRun } from './claude-run.ts'
import type { ForcedCall } from './forced-calls.ts'
import { failed, passed, problemOf, type StepOutcome, type TryStack, type TryStep } from './try-step.ts'

const fileName = 'greet.sh'
const misspelt = 'Hello, wrold'
const spelt = 'Hello, world'

type Task = ReturnType<typeof makeTask>

/** A file with a mistake. It prints a number that is in no prompt, so only running it shows that number. */
export const makeTask = (factor: number) => {
  const script = (words: string) => `#!/bin/sh\n# à la 日本語\necho "${words} $((${factor} * 7))"\n`
  return { before: script(misspelt), after: script(spelt), printed: `${spelt} ${factor * 7}` }
}

const callsOn = (path: string): readonly ForcedCall[] => [
  { name: 'Read', input: { file_path: path } },
  { name: 'Edit', input: { file_path: path, old_string: misspelt, new_string: spelt } },
  { name: 'Bash', input: { command: `sh ${path}` } },
]

export const usesItsTools: TryStep = {
  id: 'uses-its-tools',
  title: 'An agent uses its tools',
  disturbs: false,
  run: async (stack) => {
    const [developer] = stack.developers
    const task = makeTask(randomInt(1_000, 10_000))
    const callsIn = (projectDir: string) => callsOn(join(projectDir, fileName))
    const worker = await stack.worker(developer, callsIn).catch((error: unknown) => messageOf(error))
    if (typeof worker === 'string') return failed(`nothing to work on: ${worker}`)
    const path = join(worker.home.projectDir, fileName)
    writeFileSync(path, task.before)
    try {
      const run = await stack.ask(
        worker.home,
        `Read ${path}. It prints "${misspelt}": change that to "${spelt}" in the file. Then run exactly \`sh ${path}\`, and say what it printed.`,
      )
      return judge(run, readRegularFile(path), task, worker.isForced, stack)
    } finally {
      await worker.end()
    }
  },
}

const judge = (
  run: ClaudeRun,
  content: string,
  task: Task,
  isForced: boolean,
  stack: TryStack,
): StepOutcome => {
  const problem = problemOfWork(run, content, task)
  if (problem !== null)
    return failed(`${problem}; the client's whole output is in ${stack.keepTranscript(run)}`)
  const how = isForced
    ? "forced: the small model was given the opening of each call, and llama-server's grammar left it no other arguments"
    : "the model's own work"
  return passed(
    `${run.toolCalls.map(({ name }) => name).join(', ')} in ${formatSeconds(run.result?.durationMs ?? 0)}; the file is changed, and running it printed "${task.printed}" (${how})`,
  )
}

/** Why the work is not done; null when it is. Protocol failures come last: they may be the cause. */
export const problemOfWork = (run: ClaudeRun, content: string, task: Task): string | null => {
  const { toolCalls } = run
  const said = problemOf(run)
  const because = said === null ? '' : ` (${said})`
  if (toolCalls.length === 0)
    return `it called no tool and only talked: "${run.result?.text.slice(0, 80) ?? ''}"${because}`
  const made = `its calls: ${toolCalls.map(describeCall).join('; ')}${because}`
  if (content === task.before) return `the file is unchanged; ${made}`
  if (content !== task.after) return `the file was changed to something else; ${made}`
  const ran = toolCalls.some(({ name, result }) => name === 'Bash' && result?.includes(task.printed) === true)
  if (!ran) return `the file is changed, but no Bash call printed "${task.printed}"; ${made}`
  return said === null ? null : `the work is done, but ${said}`
}

const describeCall = ({ name, result, isError }: ToolCall): string => {
  if (result === null) return `${name} got no answer`
  return isError ? `${name} failed ("${result.split('\n')[0]?.slice(0, 80) ?? ''}")` : name
}
