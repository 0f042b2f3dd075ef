// `nexus try-claude`: runs the real Claude Code through the stack and reports each step.
import { join } from 'node:path'
import { z } from 'zod'
import { within } from '../../core/base/first-of.ts'
import { writePrivateFile } from '../../core/base/private-file.ts'
import { findSnippet } from '../../core/clients/client-guide.ts'
import { releaseTriesFile, rememberReleaseTry } from '../../core/clients/tried-releases.ts'
import { ensureStateFolder } from '../../core/config/state-folder.ts'
import {
  type ClaudeCodeChoice,
  ensureClaudeCode,
  type InstalledClaudeCode,
} from '../../core/setup/claude-code.ts'
import { brokenRelease } from '../../core/setup/claude-code-releases.ts'
import { type ClaudeHomes, createClaudeHomes } from '../../core/try-claude/claude-home.ts'
import { runClaude } from '../../core/try-claude/claude-run.ts'
import { type ForcedCall, startForcedCalls } from '../../core/try-claude/forced-calls.ts'
import {
  passed,
  type StepOutcome,
  type StepReport,
  skipped,
  type TriedDeveloper,
  type TryStack,
} from '../../core/try-claude/try-step.ts'
import { tryStepIds } from '../../core/try-claude/try-step-ids.ts'
import { trySteps } from '../../core/try-claude/try-steps.ts'
import type { CommandNamed } from '../arguments.ts'
import { readClientGuides } from '../client-guides.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { followUntil } from '../follow-core.ts'
import { createInterruption } from '../interruption.ts'
import { printAnswer } from '../print.ts'
import { withSetup } from '../set-up.ts'
import { openToolStack, openTriedStack, type TriedStack } from '../tried-stack.ts'
import { renderStep } from '../view/try-view.ts'

type TryCommand = CommandNamed<'try-claude'>

/** Long enough for a queue on a slow machine; a hanging client must not block the whole try. */
const promptTimeoutMs = 15 * 60_000

export const runTryClaude = async (command: TryCommand, context: CliContext): Promise<number> => {
  const stop = createInterruption('the try was interrupted', context)
  const steps: StepReport[] = []
  let began = performance.now()
  /** Ends the step that began when the last one ended. */
  const tell = (id: string, title: string, outcome: StepOutcome) => {
    const step = { id, title, ...outcome, milliseconds: Math.round(performance.now() - began) }
    began = performance.now()
    steps.push(step)
    if (!command.json) for (const line of renderStep(step, context)) context.print(line)
  }
  let left: string | null = null
  const homes = createClaudeHomes()
  try {
    const program = await withSetup(context, stop.signal, (setup) => ensureClaudeCode(setup, command.client))
    tell('client', 'The client', passed(describeClient(program, command.client)))
    const tried = await openTriedStack(context, stop.signal)
    tell('stack', 'The stack', passed(describeStack(tried)))
    try {
      const clients = { outer: context, homes, programPath: program.path, signal: stop.signal }
      const stack = await buildTryStack(tried, clients)
      const wanted = trySteps.filter(({ id }) => command.steps.length === 0 || command.steps.includes(id))
      for (const { id, title, disturbs, run } of wanted)
        tell(
          id,
          title,
          disturbs && !tried.isOwn && !command.all
            ? skipped('would disturb others who use this stack: --all runs it anyway')
            : await run(stack),
        )
      remember(steps, program.version, context)
    } finally {
      left = await tried.end(command.keep)
    }
  } finally {
    homes.dispose()
    stop.end()
  }
  if (left !== null) (command.json ? context.printError : context.print)(left)
  const passes = steps.every(({ state }) => state !== 'failed')
  const next = passes
    ? 'Next: nexus up, then nexus clients NAME for what each developer pastes.'
    : 'Next: nexus doctor names what is wrong and the command that fixes it.'
  printAnswer(context, command.json, { passed: passes, steps, next }, [`\n${next}`])
  return passes ? exitCodes.done : exitCodes.failed
}

const remember = (steps: readonly StepReport[], version: string, { folder }: CliContext): void => {
  const taken = (state: StepReport['state']) =>
    steps
      .filter((step) => step.state === state && tryStepIds.some((id) => id === step.id))
      .map(({ id }) => id)
  ensureStateFolder(folder)
  const seen = { version, at: Date.now(), passed: taken('passed'), failed: taken('failed') }
  rememberReleaseTry(join(folder.root, releaseTriesFile), seen)
}

const describeClient = ({ path, version }: InstalledClaudeCode, choice: ClaudeCodeChoice): string => {
  const which = choice === 'pinned' ? 'the pinned release' : choice === 'latest' ? 'the newest on npm' : path
  const known = brokenRelease(version)
  const warning = known === null ? '' : `; ${known}`
  return `Claude Code ${version} (${which}), with its own temporary homes${warning}`
}

const describeStack = ({ isOwn, snapshot }: TriedStack): string => {
  const where = snapshot.services.proxy.endpoint ?? 'an unknown address'
  return isOwn
    ? `a temporary demo stack, proved, at ${where}`
    : `the running one (${snapshot.profile}), at ${where}`
}

interface TryClients {
  /** The context of the user who runs the try. */
  readonly outer: CliContext
  readonly homes: ClaudeHomes
  readonly programPath: string
  readonly signal: AbortSignal
}

/** A stack whose model is forced to call tools. */
const openWorkshop = async (outer: CliContext, signal: AbortSignal, calls: readonly ForcedCall[]) => {
  const stack = await openToolStack(outer, signal)
  try {
    const { guides } = await readClientGuides(stack.context)
    const [developer] = guides.developers
    const settings = developer && findSnippet(guides, developer.name, 'claude-settings')
    const forced = await startForcedCalls(guides.baseUrl, calls)
    const end = async () => {
      await forced.end()
      const left = await stack.end(false)
      if (left !== null) outer.printError(left)
    }
    return { settings, url: forced.url, end }
  } catch (error) {
    await stack.end(false)
    throw error
  }
}

/** The parts of `nexus clients`'s settings that a worker's settings change. */
const SettingsSchema = z.looseObject({
  env: z.record(z.string(), z.string()),
  permissions: z.looseObject({}).optional(),
})

const commandRules = (calls: readonly ForcedCall[]): readonly string[] =>
  calls.flatMap(({ name, input }) => (name === 'Bash' ? [`Bash(${input['command']})`] : []))

const buildTryStack = async (
  { context, client, snapshot, isOwn }: TriedStack,
  { outer, homes, programPath, signal }: TryClients,
): Promise<TryStack> => {
  const { guides } = await readClientGuides(context)
  const settingsOf = (name: string) => findSnippet(guides, name, 'claude-settings') ?? ''
  const add = (name: string) => homes.add(settingsOf(name))
  const [known] = guides.developers
  const [first, ...others] = guides.developers.map(({ name }): TriedDeveloper => ({ name, home: add(name) }))
  if (known === undefined || first === undefined)
    throw new Error('no developer has a key: nexus key create NAME makes one')
  return {
    developers: [first, ...others],
    stranger: homes.add(settingsOf(known.name).replaceAll(known.key, 'sk-opta-unknown-key')),
    limits: guides.limits,
    slots: snapshot.slots?.length ?? 1,
    ask: (home, prompt, sessionId = null) =>
      runClaude({ programPath, home, prompt, sessionId, timeoutMs: promptTimeoutMs, signal }),
    another: ({ name }) => add(name),
    worker: async ({ name }, calls) => {
      const home = add(name)
      const wanted = calls(home.projectDir)
      const own = isOwn ? await openWorkshop(outer, signal, wanted) : null
      const { env, ...others } = SettingsSchema.parse(JSON.parse(own?.settings ?? settingsOf(name)))
      const ours = {
        ...others,
        env: own === null ? env : { ...env, ANTHROPIC_BASE_URL: own.url },
        // Without a terminal it can't ask for permission, so what it would ask for is denied. Only the task's own commands
        // are allowed: on a real stack the model chooses what runs on the user's machine.
        permissions: { ...others.permissions, allow: ['Read', 'Edit', ...commandRules(wanted)] },
      }
      writePrivateFile(join(home.configDir, 'settings.json'), JSON.stringify(ours))
      return { home, isForced: own !== null, end: async () => own?.end() }
    },
    keepTranscript: ({ lines }) => {
      ensureStateFolder(outer.folder)
      const transcriptPath = join(outer.folder.root, 'claude-try.jsonl')
      writePrivateFile(transcriptPath, `${lines.join('\n')}\n`)
      return transcriptPath
    },
    watch: (listener) => {
      const watching = client.watch(listener)
      // Without a core there are no snapshots, and the step reports that it saw none.
      watching.begun.catch(() => {})
      return watching.stop
    },
    until: (fits, timeoutMs, noLonger) =>
      within(
        followUntil(client, fits, undefined, noLonger).catch(() => null),
        timeoutMs,
      ),
    restartRouter: async () => {
      const outcome = await client.dispatch({ type: 'restart', only: 'proxy' })
      return outcome.accepted ? null : outcome.reason
    },
  }
}
