// Set-up for one profile: finds what is missing and installs it.
import type { Profile } from '../../contract/profile.ts'
import type { SetUpState } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { demoModelPath, demoModelText, ensureDemoModel, isDemoModelInstalled } from './demo-model.ts'
import { hasPython } from './find-python.ts'
import { brewInstall } from './homebrew.ts'
import { ensureLiteLlm, isLiteLlmInstalled } from './litellm.ts'
import { ensureLlamaServer, howToInstall } from './llama-server-install.ts'
import { locateLlamaServer, readBuildChoice } from './llama-server-search.ts'
import type { SetupContext } from './setup-step.ts'
import { ensureTraefik, isTraefikInstalled } from './traefik.ts'

type Missing = SetUpState['missing']
type Where = Pick<SetupContext, 'runtimeDir' | 'resourcesDir'>

const needsDemoModel = (profile: Profile, { runtimeDir }: Where): boolean =>
  profile.llamaServer.modelPath === demoModelPath(runtimeDir)

/** A gateway with its own binaryPath is installed by its owner. */
const needsTraefik = ({ gateway }: Profile): boolean =>
  gateway !== undefined && gateway !== null && (gateway.binaryPath ?? null) === null

/** Installs nothing; a few file reads. Never throws: if a check fails, that part counts as missing, with the reason. */
export const readMissing = async (profile: Profile, where: Where): Promise<Missing> => {
  const missing: Missing = []
  const llamaServer = explainMissingLlamaServer(profile, where)
  if (llamaServer !== null) missing.push({ id: 'llama-server', text: llamaServer })
  if (needsDemoModel(profile, where) && !(await isDemoModelInstalled(where.runtimeDir)))
    missing.push({ id: 'demo-model', text: demoModelText })
  if (!(await isLiteLlmInstalled(where))) missing.push({ id: 'litellm', text: 'LiteLLM, for the Router' })
  if (needsTraefik(profile) && !isTraefikInstalled(where.runtimeDir))
    missing.push({ id: 'traefik', text: 'Traefik, for the Gateway (50 MB)' })
  return missing
}

const explainMissingLlamaServer = (profile: Profile, where: Where): string | null => {
  try {
    const { binaryPath } = profile.llamaServer
    const found = locateLlamaServer({ configuredPath: binaryPath, ...where })
    if (found !== null) return null
    const choice = readBuildChoice()
    return choice.kind === 'build'
      ? 'llama-server, for the AI Engine'
      : `llama-server, which only you can install: ${howToInstall(process.platform, choice.reason)}`
  } catch (error) {
    return messageOf(error)
  }
}

/**
 * Why set-up can't start on this Mac: without Python nothing can be fetched, so a missing llama-server is reported together
 * with it instead of one failure later (issue 11). null when Python is there: llama-server is then reported after the rest.
 */
export const explainBareMac = (mac: {
  readonly hasPython: boolean
  readonly hasLlamaServer: boolean
}): string | null => {
  if (mac.hasPython) return null
  return mac.hasLlamaServer
    ? `Python 3.10 to 3.14 is missing; run: ${brewInstall(['python'])}`
    : `Python 3.10 to 3.14 and llama-server are missing; run: ${brewInstall(['python', 'llamaServer'])}`
}

/**
 * Idempotent: costs a few file reads if everything is installed. Throws one clear sentence; if only the user can install
 * llama-server (every Mac), after installing the rest.
 */
export const ensureSetUp = async (profile: Profile, context: SetupContext): Promise<void> => {
  if (process.platform === 'darwin') {
    const reason = explainBareMac({
      hasPython: (await isLiteLlmInstalled(context)) || (await hasPython(context.signal)),
      hasLlamaServer: explainMissingLlamaServer(profile, context) === null,
    })
    if (reason !== null) throw new Error(reason)
  }
  const engine = () => ensureLlamaServer(context, profile.llamaServer.binaryPath)
  const isByHand = readBuildChoice().kind === 'none'
  if (!isByHand) await engine()
  if (needsDemoModel(profile, context)) await ensureDemoModel(context)
  await ensureLiteLlm(context)
  if (needsTraefik(profile)) await ensureTraefik(context)
  if (isByHand) await engine()
}
