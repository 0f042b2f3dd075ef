// `nexus model`: lists, fetches and removes models, and cancels a fetch.
import type { ModelFetch, Snapshot } from '../../contract/snapshot.ts'
import { listModelFiles } from '../../core/config/model-parts.ts'
import { builtinProfiles, chooseProfile } from '../../core/config/profiles.ts'
import { openSettings } from '../../core/config/settings.ts'
import type { ControlClient } from '../../core/control/client.ts'
import {
  listModels,
  listModelsHere,
  listOwnFiles,
  type ModelHere,
  removeFiles,
} from '../../core/models/model-list.ts'
import { readLedgerEntries } from '../../core/supervise/ledger.ts'
import { describeFetch, isFetchActive } from '../../wording/fetch-words.ts'
import type { CliCommand } from '../arguments.ts'
import { attachOrHost, attachToRunning, readOrphans } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readSnapshotInTime } from '../core-answer.ts'
import { followUntil } from '../follow-core.ts'
import { createInterruption } from '../interruption.ts'
import { createFetchScreen } from '../view/fetch-view.ts'
import { renderModelList } from '../view/model-list-view.ts'

type ModelCommand = Extract<CliCommand, { name: 'model' }>

export const runModel = async (command: ModelCommand, context: CliContext): Promise<number> => {
  const { action, model } = command
  if (action === 'list' || model === null) return list(command, context)
  switch (action) {
    case 'fetch':
      return fetchModel(model, command, context)
    case 'cancel':
      return cancel(model, command, context)
    case 'remove':
      return remove(model, command, context)
  }
}

// --- fetch -------------------------------------------------------------------------------------------------------

const fetchModel = async (model: string, command: ModelCommand, context: CliContext): Promise<number> => {
  const { env } = context
  const client = await attachOrHost(context)
  const stop = createInterruption('the core keeps fetching', context)
  try {
    const outcome = await client.dispatch({
      type: 'fetchModel',
      model,
      endpoint: env['HF_ENDPOINT'] || null,
      token: env['HF_TOKEN'] || null,
    })
    if (!outcome.accepted) return fail(command, context, outcome.reason)
    const ended = await followFetch(client, model, context, stop.signal)
    if (ended === 'interrupted')
      return fail(
        command,
        context,
        `The core keeps fetching it. nexus model fetch ${model} shows it again; nexus model cancel ${model} stops it.`,
      )
    if (ended === null)
      return fail(
        command,
        context,
        `The core went away; the next one resumes the fetch: nexus model fetch ${model}`,
      )
    if (ended.phase !== 'done') return fail(command, context, describeFetch(ended))
    context.print(command.json ? JSON.stringify(ended) : `${model} is here: ${describeFetch(ended)}`)
    return exitCodes.done
  } finally {
    stop.end()
    client.close()
  }
}

/** null: the core went away. */
const followFetch = async (
  client: ControlClient,
  id: string,
  context: CliContext,
  signal: AbortSignal,
): Promise<ModelFetch | 'interrupted' | null> => {
  const screen = createFetchScreen(context)
  const interrupted = new Promise<'interrupted'>((resolve) => {
    signal.addEventListener('abort', () => resolve('interrupted'), { once: true })
  })
  const last = followUntil(
    client,
    (snapshot) => {
      const fetch = findFetch(snapshot, id)
      return fetch !== null && !isFetchActive(fetch)
    },
    (snapshot) => {
      const fetch = findFetch(snapshot, id)
      if (fetch !== null) screen.show(fetch)
    },
  )
  try {
    const snapshot = await Promise.race([last, interrupted])
    return snapshot === 'interrupted' || snapshot === null ? snapshot : findFetch(snapshot, id)
  } finally {
    screen.end()
  }
}

const findFetch = ({ fetches = [] }: Snapshot, id: string): ModelFetch | null =>
  fetches.find((fetch) => fetch.id === id) ?? null

const cancel = async (model: string, command: ModelCommand, context: CliContext): Promise<number> => {
  const client = await attachToRunning(context)
  if (client === null) {
    fail(command, context, 'No core is running, so nothing is being fetched.')
    return exitCodes.notRunning
  }
  try {
    const outcome = await client.dispatch({ type: 'cancelFetch', id: model })
    if (!outcome.accepted) return fail(command, context, outcome.reason)
    const words = `${model} is no longer being fetched. The part that is here stays for the next nexus model fetch; nexus model remove deletes it.`
    context.print(command.json ? JSON.stringify({ cancelled: model }) : words)
    return exitCodes.done
  } finally {
    client.close()
  }
}

// --- list and remove ---------------------------------------------------------------------------------------------

const list = async ({ json }: ModelCommand, context: CliContext): Promise<number> => {
  const { folder, env, platform } = context
  const models = await listModels(folder.modelsDir, { env, platform: platform.id })
  const snapshot = await readRunning(context)
  const fetches = snapshot?.fetches ?? []
  if (json) context.print(JSON.stringify({ ...models, fetches }, null, 2))
  else for (const line of renderModelList(models, fetches, context)) context.print(line)
  return exitCodes.done
}

/** null: no core runs. */
const readRunning = async (context: CliContext): Promise<Snapshot | null> => {
  const client = await attachToRunning(context)
  if (client === null) return null
  try {
    return await readSnapshotInTime(client, context)
  } finally {
    client.close()
  }
}

const remove = async (name: string, command: ModelCommand, context: CliContext): Promise<number> => {
  const { modelsDir } = context.folder
  const models = listModelsHere(modelsDir)
  const model = models.find((each) => [each.name, each.from, `${each.name}.gguf`, each.path].includes(name))
  if (model === undefined) {
    const names = models.map((each) => each.name).join(', ')
    return fail(command, context, `${modelsDir} has no "${name}"${names === '' ? '' : `; it has: ${names}`}`)
  }
  const files = listOwnFiles(modelsDir, model)
  if (files === null)
    return fail(command, context, `${model.path} was not fetched by Nexus, so Nexus does not remove it`)
  const snapshot = await readRunning(context)
  const fetch = snapshot?.fetches?.find((each) => isFetchActive(each) && isOfModel(each.file, model))
  if (fetch !== undefined)
    return fail(command, context, `${model.name} is being fetched: nexus model cancel ${fetch.id} first`)
  if (await isServed(model, snapshot, context))
    return fail(
      command,
      context,
      `${model.name} is what the AI Engine serves: nexus down first, or start another profile`,
    )
  removeFiles(files)
  const users = listProfilesWith(model, context)
  const missed = users.length === 0 ? '' : ` The profile ${users.join(' and ')} needs it.`
  const words =
    model.linkedTo === null ? '' : ` The file itself stays with the program that owns it: ${model.linkedTo}.`
  context.print(
    command.json
      ? JSON.stringify({ removed: files, profiles: users })
      : `${model.name} is removed.${words}${missed}`,
  )
  return exitCodes.done
}

const isOfModel = (file: string | null, { path }: ModelHere): boolean =>
  file !== null && listModelFiles(path).some((part) => part.endsWith(`/${file}`))

/** By a running core, another user's too, or by a llama-server that a core left behind. */
const isServed = async (
  model: ModelHere,
  snapshot: Snapshot | null,
  context: CliContext,
): Promise<boolean> => {
  const served = [snapshot?.engineModel?.modelPath, snapshot?.engineModel?.draftModelPath]
  const orphans = snapshot === null ? await readOrphans(context) : []
  const left = (readLedgerEntries(context.folder.ledgerPath) ?? []).filter(({ pid }) =>
    orphans.some((orphan) => orphan.pid === pid),
  )
  return [...served, ...left.flatMap(({ argv }) => argv)].includes(model.path)
}

/** Names of the profiles that use it as model or draft. */
const listProfilesWith = ({ path }: ModelHere, { folder }: CliContext): readonly string[] => {
  const config = openSettings(folder).current()
  const names = [
    ...new Set([...Object.keys(builtinProfiles(folder.runtimeDir)), ...Object.keys(config.profiles)]),
  ]
  return names.filter((name) => {
    const { modelPath, draftModelPath } = chooseProfile(config, name, folder.runtimeDir).profile.llamaServer
    return [modelPath, draftModelPath].includes(path)
  })
}

const fail = ({ json }: ModelCommand, context: CliContext, reason: string): number => {
  if (json) context.print(JSON.stringify({ error: reason }))
  else context.printError(reason)
  return exitCodes.failed
}
