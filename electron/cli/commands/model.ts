// `nexus model`: lists, fetches and removes models, and cancels a fetch.
import type { ModelFetch, Snapshot } from '../../contract/snapshot.ts'
import { listModelFiles } from '../../core/config/model-parts.ts'
import { builtinProfiles, chooseProfile } from '../../core/config/profiles.ts'
import { openSettings } from '../../core/config/settings.ts'
import {
  listModels,
  listModelsHere,
  listOwnFiles,
  type ModelHere,
  removeFiles,
} from '../../core/models/model-list.ts'
import { readLedgerEntries } from '../../core/supervise/ledger.ts'
import { describeFetch, isFetchActive } from '../../wording/model-words.ts'
import type { CommandNamed } from '../arguments.ts'
import { attachOrHost, attachToRunning, readOrphans } from '../attach.ts'
import { type CliContext, exitCodes, fail, printAnswer } from '../context.ts'
import { followUntil, readSnapshotOnce } from '../core-answer.ts'
import { createInterruption } from '../interruption.ts'
import { renderModelList } from '../view/models-view.ts'
import { withProgressLine } from '../view/progress-line.ts'

export const runModel = (command: CommandNamed<'model'>, context: CliContext): Promise<number> => {
  switch (command.action) {
    case 'list':
      return list(command.json, context)
    case 'fetch':
      return fetchModel(command.model, command.json, context)
    case 'cancel':
      return cancel(command.model, command.json, context)
    case 'remove':
      return remove(command.model, command.json, context)
  }
}

const fetchModel = async (model: string, json: boolean, context: CliContext): Promise<number> => {
  const { env } = context
  const client = await attachOrHost(context)
  const stop = createInterruption(
    `The core keeps fetching it. nexus model fetch ${model} shows it again; nexus model cancel ${model} stops it.`,
    context,
  )
  try {
    const outcome = await client.dispatch({
      type: 'fetchModel',
      model,
      endpoint: env['HF_ENDPOINT'] || null,
      token: env['HF_TOKEN'] || null,
    })
    if (!outcome.accepted) return fail(context, outcome.reason)
    const last = await withProgressLine(context, ({ draw }) =>
      followUntil(
        client,
        (snapshot) => {
          const fetch = findFetch(snapshot, model)
          return fetch !== null && !isFetchActive(fetch)
        },
        (snapshot) => {
          const fetch = findFetch(snapshot, model)
          if (fetch !== null && isFetchActive(fetch))
            draw(`${fetch.file ?? fetch.id}: ${describeFetch(fetch)}`, markOf(fetch))
        },
        stop.signal,
      ),
    )
    const ended = last === null ? null : findFetch(last, model)
    if (ended === null)
      return fail(context, `The core went away; the next one resumes the fetch: nexus model fetch ${model}`)
    if (ended.phase !== 'done') return fail(context, describeFetch(ended))
    return printAnswer(context, json, ended, [`${model} is here: ${describeFetch(ended)}`])
  } finally {
    stop.end()
    client.close()
  }
}

const findFetch = ({ fetches = [] }: Snapshot, id: string): ModelFetch | null =>
  fetches.find((fetch) => fetch.id === id) ?? null

/** Off a terminal a line is printed for each step and each tenth. */
const markOf = ({ file, phase, reason, totalBytes, doneBytes }: ModelFetch): string => {
  const tenth = totalBytes === null ? 0 : Math.floor((10 * doneBytes) / totalBytes)
  return `${file} ${phase} ${phase === 'waiting' ? reason : tenth}`
}

const cancel = async (model: string, json: boolean, context: CliContext): Promise<number> => {
  const client = await attachToRunning(context)
  if (client === null)
    return fail(context, 'No core is running, so nothing is being fetched.', exitCodes.notRunning)
  try {
    const outcome = await client.dispatch({ type: 'cancelFetch', id: model })
    if (!outcome.accepted) return fail(context, outcome.reason)
    return printAnswer(context, json, { cancelled: model }, [
      `${model} is no longer being fetched. The part that is here stays for the next nexus model fetch; nexus model remove deletes it.`,
    ])
  } finally {
    client.close()
  }
}

const list = async (json: boolean, context: CliContext): Promise<number> => {
  const { folder, env, platform } = context
  const models = await listModels(folder.modelsDir, { env, platform: platform.id })
  const snapshot = await readSnapshotOnce(await attachToRunning(context), context)
  const fetches = snapshot?.fetches ?? []
  return printAnswer(context, json, { ...models, fetches }, renderModelList(models, fetches, context))
}

const remove = async (name: string, json: boolean, context: CliContext): Promise<number> => {
  const { modelsDir } = context.folder
  const models = listModelsHere(modelsDir)
  const model = models.find((each) => [each.name, each.from, `${each.name}.gguf`, each.path].includes(name))
  if (model === undefined) {
    const names = models.map((each) => each.name).join(', ')
    return fail(context, `${modelsDir} has no "${name}"${names === '' ? '' : `; it has: ${names}`}`)
  }
  const files = listOwnFiles(modelsDir, model)
  if (files === null)
    return fail(context, `${model.path} was not fetched by Nexus, so Nexus does not remove it`)
  const snapshot = await readSnapshotOnce(await attachToRunning(context), context)
  const fetch = snapshot?.fetches?.find((each) => isFetchActive(each) && isOfModel(each.file, model))
  if (fetch !== undefined)
    return fail(context, `${model.name} is being fetched: nexus model cancel ${fetch.id} first`)
  if (await isServed(model, snapshot, context))
    return fail(
      context,
      `${model.name} is what the AI Engine serves: nexus down first, or start another profile`,
    )
  removeFiles(files)
  const users = listProfilesWith(model, context)
  const missed = users.length === 0 ? '' : ` The profile ${users.join(' and ')} needs it.`
  const words =
    model.linkedTo === null ? '' : ` The file itself stays with the program that owns it: ${model.linkedTo}.`
  return printAnswer(context, json, { removed: files, profiles: users }, [
    `${model.name} is removed.${words}${missed}`,
  ])
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
