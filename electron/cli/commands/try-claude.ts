// `nexus try-claude`: runs the real Claude Code through the stack and reports each step.
import { join } from 'node:path'
import { z } from 'zod'
import { within } from '../../core/base/deadline.ts'
import { writePrivateFile } from '../../core/base/private-file.ts'
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
import type { StepReport, TriedDeveloper, TryStack, TryStep } from '../../core/try-claude/try-step.ts'
import { tryStepIds } from '../../core/try-claude/try-step-ids.ts'
import { runStep, trySteps } from '../../core/try-claude/try-steps.ts'
import type { CliCommand } from '../arguments.ts'
import { readClientGuides } from '../client-guides.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { createInterruption } from '../interruption.ts'
import { withReporter } from '../set-up.ts'
import { openToolStack, openTriedStack, type TriedStack } from '../tried-stack.ts'
import { renderStep } from '../view/try-view.ts'

type TryCommand = Extract<CliCommand, { name: 'try-claude' }>

/** Long enough for a queue on a slow machine; a hanging client must not block the whole try. */
const promptTimeoutMs = 15 * 60_000

export const runTryClaude = async (command: TryCommand, context: CliContext): Promise<number> => {
  const stop = createInterruption('the try was interrupted', context)
  const say = (line: string) => (command.json ? context.printError(line) : context.print(line))
  const steps: StepReport[] = []
  let left: string | null = null
  const tell = (step: StepReport) => {
    steps.push(step)
    for (const line of command.json ? [] : renderStep(step, context)) context.print(line)
  }
  const homes = createClaudeHomes()
  try {
    const program = await timed(() =>
      withReporter(context, (report) =>
        ensureClaudeCode(
          {
            runtimeDir: context.folder.runtimeDir,
            resourcesDir: context.resourcesDir,
            signal: stop.signal,
            report,
          },
          command.client,
        ),
      ),
    )
    tell({
      id: 'client',
      title: 'The client',
      state: 'passed',
      seen: describeClient(program.value, command.client),
      milliseconds: program.milliseconds,
    })
    const opened = await timed(() => openTriedStack(context, stop.signal))
    const tried = opened.value
    tell({
      id: 'stack',
      title: 'The stack',
      state: 'passed',
      seen: describeStack(tried),
      milliseconds: opened.milliseconds,
    })
    try {
      const stack = await buildTryStack(tried, {
        outer: context,
        homes,
        programPath: program.value.path,
        signal: stop.signal,
      })
      const wanted = trySteps.filter(({ id }) => command.steps.length === 0 || command.steps.includes(id))
      for (const step of wanted) tell(await take(step, stack, tried.isOwn || command.all))
      remember(steps, program.value.version, context)
    } finally {
      left = await tried.end(command.keep)
    }
  } finally {
    homes.dispose()
    stop.end()
  }
  if (left !== null) say(left)
  const failed = steps.filter(({ state }) => state === 'failed').length
  const next =
    failed === 0
      ? 'Next: nexus up, then nexus clients NAME for what each developer pastes.'
      : 'Next: nexus doctor names what is wrong and the command that fixes it.'
  if (command.json) context.print(JSON.stringify({ passed: failed === 0, steps, next }, null, 2))
  else context.print(`\n${next}`)
  return failed === 0 ? exitCodes.done : exitCodes.failed
}

const timed = async <T>(work: () => Promise<T>): Promise<{ value: T; milliseconds: number }> => {
  const began = performance.now()
  return { value: await work(), milliseconds: Math.round(performance.now() - began) }
}

const take = async (step: TryStep, stack: TryStack, mayDisturb: boolean): Promise<StepReport> => {
  const { id, title } = step
  if (step.disturbs && !mayDisturb) {
    const seen = 'would disturb others who use this stack: --all runs it anyway'
    return { id, title, state: 'skipped', seen, milliseconds: 0 }
  }
  return { id, title, ...(await runStep(step, stack)) }
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
    const settings = guides.developers[0]?.snippets.find(({ id }) => id === 'claude-settings')?.text
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
  const settings = new Map(
    guides.developers.map(({ name, snippets }) => [
      name,
      snippets.find(({ id }) => id === 'claude-settings')?.text ?? '',
    ]),
  )
  const add = (name: string) => homes.add(settings.get(name) ?? '')
  const [known] = guides.developers
  const [first, ...others] = guides.developers.map(({ name }): TriedDeveloper => ({ name, home: add(name) }))
  if (known === undefined || first === undefined)
    throw new Error('no developer has a key: nexus key create NAME makes one')
  const strangersKey = 'sk-opta-nobody-gave-this-out'
  return {
    developers: [first, ...others],
    stranger: homes.add((settings.get(known.name) ?? '').replaceAll(known.key, strangersKey)),
    limits: guides.limits,
    slots: snapshot.slots?.length ?? 1,
    ask: (home, prompt, sessionId = null) =>
      runClaude({ programPath, home, prompt, sessionId, timeoutMs: promptTimeoutMs, signal }),
    another: ({ name }) => add(name),
    worker: async ({ name }, calls) => {
      const home = add(name)
      const wanted = calls(home.projectDir)
      const own = isOwn ? await openWorkshop(outer, signal, wanted) : null
      const { env, ...others } = SettingsSchema.parse(JSON.parse(own?.settings ?? settings.get(name) ?? ''))
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
    until: async (fits, timeoutMs, noLonger) => {
      let stopWatching = () => {}
      const found = new Promise<typeof snapshot | null>((resolve) => {
        noLonger?.addEventListener('abort', () => resolve(null), { once: true })
        const watching = client.watch((now) => {
          if (fits(now)) resolve(now)
        })
        watching.begun.catch(() => {})
        stopWatching = watching.stop
      })
      try {
        return await within(found, timeoutMs)
      } finally {
        stopWatching()
      }
    },
    restartRouter: async () => {
      const outcome = await client.dispatch({ type: 'restart', only: 'proxy' })
      return outcome.accepted ? null : outcome.reason
    },
  }
}
