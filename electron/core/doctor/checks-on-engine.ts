// Checks on llama-server: which binary, whether it runs and takes the profile's flags, whether it drafts; and on the model files, by
// their headers: present, readable, complete.
import type { Snapshot } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { type HeaderReading, readHeaderOrReason } from '../gguf/gguf-header.ts'
import type { EnginePlan } from '../memory/stack-plan.ts'
import { demoModelPath } from '../setup/demo-model.ts'
import { missingLibrary } from '../setup/missing-library.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

const sources: Readonly<Record<NonNullable<EnginePlan['binary']>['source'], string>> = {
  configured: 'configured',
  app: 'bundled with the app',
  homebrew: 'from Homebrew',
  path: 'on PATH',
  installed: 'installed by Nexus',
}

export const judgeBinary = (
  { binary, version, problems }: Pick<EnginePlan, 'binary' | 'version' | 'problems'>,
  install: string,
): Verdict => {
  if (binary === null) return fail('llama-server is not installed', install)
  const [problem] = problems
  // A program that told its version runs: then it is the profile that it cannot be started with.
  if (problem !== undefined)
    return fail(problems.join(' '), version === null ? mendRun(problem, install) : 'nexus plan')
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

/** null: the program can't be asked, which engine.binary says. */
export const judgeFlags = ({
  argv,
  adaptations,
  warnings,
}: Pick<EnginePlan, 'argv' | 'adaptations' | 'warnings'>): Verdict | null => {
  if (argv === null) return null
  const missing = adaptations.filter(({ isLacking }) => isLacking).map(({ flag }) => flag)
  const remarks = [...(missing.length === 0 ? [] : [`This build lacks ${missing.join(', ')}.`]), ...warnings]
  return remarks.length === 0
    ? ok("all of the profile's flags are in this build's --help")
    : warn(remarks.join(' '), 'nexus plan')
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

export interface ModelPlace {
  readonly path: string
  /** The command that downloads it again; null for a model that set-up does not know. */
  readonly fetch: string | null
  /** The setting that names it, and that setting's file. */
  readonly setting: string
}

export const judgeModel = (reading: HeaderReading, place: ModelPlace): Verdict => {
  const { path, fetch, setting } = place
  if (reading.kind === 'failed') {
    if (/may not read it$/.test(reading.reason))
      return fail(reading.reason, `chmod a+r ${quoteForShell(path)}`)
    return fail(reading.reason, fetch ?? `Put the model there, or name another in ${setting}.`)
  }
  const { completeness, fileBytes, quantisation, architecture, partPaths } = reading.header
  if (completeness.kind !== 'complete') {
    const missing = `${completeness.path} lacks ${completeness.missingBytes.toLocaleString('en-US')} bytes of its weights`
    const how =
      completeness.kind === 'header-only'
        ? ', all of them: it is only a header'
        : ': the download is incomplete'
    return fail(`${missing}${how}`, fetch ?? `Download ${completeness.path} again; curl -C - resumes it.`)
  }
  const parts = partPaths.length === 1 ? '' : ` in ${partPaths.length} parts`
  return ok(
    `${architecture} ${quantisation ?? 'of unknown quantisation'}, ${formatBytes(fileBytes)}${parts}, complete: ${path}`,
  )
}

const whyComplete = 'llama-server refuses an incomplete file only after reading all of it'

const readModel = async (
  { folder, upCommand, place, profileFile, modelHeader }: DoctorFacts,
  key: 'modelPath' | 'draftModelPath',
  path: string,
): Promise<Verdict> =>
  judgeModel(await (key === 'modelPath' ? modelHeader() : readHeaderOrReason(path)), {
    path,
    fetch: path === demoModelPath(folder.runtimeDir) ? upCommand : null,
    setting: `${place(`llamaServer.${key}`)} of ${profileFile}`,
  })

export const checksOnEngine: readonly CheckSource[] = [
  {
    id: 'engine.binary',
    title: 'llama-server',
    why: 'without it there is no model, and flags differ between builds',
    read: async ({ enginePlan, llamaServer, platform, upCommand, profileFile }) => {
      try {
        llamaServer()
      } catch (error) {
        return fail(messageOf(error), `Correct llamaServer.binaryPath in ${profileFile}, or set it to null.`)
      }
      return judgeBinary(await enginePlan(), platform.id === 'darwin' ? 'brew install llama.cpp' : upCommand)
    },
  },
  {
    id: 'engine.flags',
    title: 'Flags',
    why: 'a flag that the build lacks is left out, and the setting does nothing',
    // engine.binary reports a program that can't be asked.
    read: ({ enginePlan }) => enginePlan().then(judgeFlags, () => null),
  },
  {
    id: 'engine.drafts',
    title: 'Drafts',
    why: 'when they fail, llama-server starts without them: it is slower, and a draft model still takes memory',
    read: async ({ core, place, profileFile }) => {
      const reading = await core()
      return reading.kind === 'attached'
        ? judgeDrafts(reading.snapshot, `${place('llamaServer.speculation')} in ${profileFile}`)
        : null
    },
  },
  {
    id: 'models.target',
    title: 'Model file',
    why: whyComplete,
    read: (facts) => readModel(facts, 'modelPath', facts.chosen.profile.llamaServer.modelPath),
  },
  // Whether the draft fits the model is for llama-server to say: see engine.drafts.
  {
    id: 'models.draft',
    title: 'Draft file',
    why: whyComplete,
    read: async (facts) => {
      const path = facts.chosen.profile.llamaServer.draftModelPath
      return path === null ? null : readModel(facts, 'draftModelPath', path)
    },
  },
]
