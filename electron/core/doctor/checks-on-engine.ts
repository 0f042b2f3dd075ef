// Checks on llama-server: which binary, whether it runs, and whether it supports every flag of the plan.
import type { Snapshot } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import type { EnginePlan } from '../memory/stack-plan.ts'
import { missingLibrary } from '../setup/missing-library.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import { profileFile, profilePlace } from './checks-on-config.ts'
import type { DoctorFacts } from './facts.ts'

export type EnginePlanReading =
  | { readonly kind: 'plan'; readonly plan: EnginePlan }
  /** The profile names a program that does not exist. */
  | { readonly kind: 'failed'; readonly reason: string }

const sources: Readonly<Record<NonNullable<EnginePlan['binary']>['source'], string>> = {
  configured: 'configured',
  app: 'bundled with the app',
  homebrew: 'from Homebrew',
  path: 'on PATH',
  installed: 'installed by Nexus',
}

export const judgeBinary = (
  reading: EnginePlanReading,
  { install, settingsFile }: { readonly install: string; readonly settingsFile: string },
): Verdict => {
  if (reading.kind === 'failed')
    return fail(reading.reason, `Correct llamaServer.binaryPath in ${settingsFile}, or set it to null.`)
  const { binary, version, problems } = reading.plan
  if (binary === null) return fail('llama-server is not installed', install)
  // No version means that even --help failed; the first problem says why.
  if (version === null && problems.length > 0)
    return fail(problems[0] ?? '', mendRun(problems[0] ?? '', install))
  const where = `${sources[binary.source]}: ${binary.path}`
  return version === null ? unknown(`unknown version; ${where}`) : ok(`version ${version}, ${where}`)
}

/** The capability reading paraphrases the linker's error. */
const mendRun = (problem: string, install: string): string => {
  const chmod = /Mend it with: (.+)$/.exec(problem)?.[1]
  if (chmod !== undefined) return chmod
  const library = /needs the library (\S+), which/.exec(problem)?.[1]
  const missing = missingLibrary(
    `error while loading shared libraries: ${library}: cannot open shared object file`,
  )
  return missing?.debianPackage == null ? install : `sudo apt-get install ${missing.debianPackage}`
}

export const judgeFlags = (reading: EnginePlanReading): Verdict => {
  if (reading.kind === 'failed') return unknown('no llama-server to ask', 'nexus plan')
  const { argv, adaptations, warnings, problems, version } = reading.plan
  if (argv === null) {
    return version === null && reading.plan.binary === null
      ? unknown('no llama-server to ask', 'nexus plan')
      : fail(`the command line cannot be built: ${problems.join(' ')}`, 'nexus plan')
  }
  const flags = argv.slice(1).filter((word) => /^--?[a-z]/.test(word)).length
  const missing = adaptations.filter(({ isLacking }) => isLacking).map(({ flag }) => flag)
  const base = `${flags} flags, all listed in this build's --help; ${adaptations.length} differences from the seed's command line`
  const without = missing.length === 0 ? [] : [`This build lacks ${missing.join(', ')}.`]
  const remarks = [...without, ...warnings]
  return remarks.length === 0 ? ok(base) : warn(`${remarks.join(' ')} (${base})`, 'nexus plan')
}

/** @param setting where to set `speculation`. null: drafting is off, or its state is not known yet. */
export const judgeDrafts = (
  { speculationFailure, slots }: Pick<Snapshot, 'speculationFailure' | 'slots'>,
  setting: string,
): Verdict | null => {
  if (speculationFailure !== undefined)
    return warn(
      speculationFailure,
      `Set ${setting} to "ngram-mod", which needs no draft model, or name a draft with the model's vocabulary.`,
    )
  return slots?.some(({ speculative }) => speculative === true) ? ok('drafting works') : null
}

const readPlanOrReason = async (facts: DoctorFacts): Promise<EnginePlanReading> => {
  try {
    return { kind: 'plan', plan: await facts.enginePlan() }
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) }
  }
}

export const checksOnEngine = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => [
  {
    id: 'engine.binary',
    group: 'AI Engine',
    title: 'llama-server',
    why: 'without it there is no model',
    read: async () =>
      judgeBinary(await readPlanOrReason(facts), {
        install: context.platform.id === 'darwin' ? 'brew install llama.cpp' : context.upCommand,
        settingsFile: profileFile(context),
      }),
  },
  {
    id: 'engine.flags',
    group: 'AI Engine',
    title: 'Command line',
    why: 'flags differ between builds, and some settings do less than they seem to',
    read: async () => judgeFlags(await readPlanOrReason(facts)),
  },
  {
    id: 'engine.drafts',
    group: 'AI Engine',
    title: 'Drafts',
    why: 'when they fail, llama-server starts without them and is only slower',
    read: async () => {
      const core = await facts.core()
      return core.kind === 'attached'
        ? judgeDrafts(
            core.snapshot,
            `${profilePlace(context, 'llamaServer.speculation')} in ${profileFile(context)}`,
          )
        : null
    },
  },
]
