// The words of a service's row, its commands, and the fix for its trouble. Pure.
import { type Command, startCommand, stopCommand } from '../electron/contract/command.ts'
import { type CommandedId, type ServiceId, serviceNames } from '../electron/contract/service-ids.ts'
import { presentServices, readService } from '../electron/contract/services.ts'
import type { Phase, ServiceState, Snapshot } from '../electron/contract/snapshot.ts'
import {
  formatBytes,
  formatDuration,
  formatReserve,
  formatRoughDuration,
  formatShare,
  plural,
} from '../electron/wording/figures.ts'
import { nameModel } from '../electron/wording/model-words.ts'
import { describeWork } from '../electron/wording/room.ts'
import { startSentence } from '../electron/wording/sentence.ts'
import { nameForeign, whyUnanswered } from '../electron/wording/state-words.ts'

export const phaseIcons = {
  stopped: 'stopped',
  starting: 'busy',
  ready: 'ready',
  degraded: 'warning',
  stopping: 'busy',
  failed: 'failed',
} as const satisfies Readonly<Record<Phase, string>>

/** The last part of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

const mostProjects = 2

const describeForge = ({ ramDisk }: Snapshot): string => {
  if (ramDisk === null) return ''
  if (!ramDisk.mounted) return 'no RAM disk is mounted'
  const largest = [...(ramDisk.projects ?? [])].sort((a, b) => b.bytes - a.bytes).slice(0, mostProjects)
  if (largest.length === 0) return nameOf(ramDisk.mountPoint)
  return largest.map(({ path, bytes }) => `${nameOf(path)} ${formatBytes(bytes)}`).join(', ')
}

const describeProof = (snapshot: Snapshot): string => {
  const { proof, takenAt } = snapshot
  if (whyUnanswered(snapshot) !== null) return 'no Claude answer'
  if (proof === null) return 'not proved yet'
  const age = (takenAt - (proof.checkedAt ?? proof.provedAt)) / 1000
  return `checked ${formatDuration(age)} ago`
}

const describeEngine = ({ engineModel }: Snapshot, { restarts }: ServiceState): string => {
  const model = engineModel === null ? '' : nameModel(engineModel.modelPath)
  return [restarts === 0 ? '' : plural(restarts, 'restart'), model].filter((part) => part !== '').join(', ')
}

/** ":8080" of an endpoint; '' when it names none. */
export const describePort = (endpoint: string | null): string =>
  /:\d+(?=\/|$)/.exec(endpoint?.replace(/^\w+:\/\//, '') ?? '')?.[0] ?? ''

/** The middle of the row: what the service does; '' for a gateway that the profile does not have. */
export const describeService = (snapshot: Snapshot, id: ServiceId): string => {
  const state = readService(snapshot, id)
  if (state === null) return ''
  switch (state.phase) {
    case 'starting':
    case 'stopping':
      return state.waitingFor ?? state.phase
    case 'stopped':
      return state.foreign === null ? 'stopped' : 'port in use'
    case 'failed':
    case 'degraded':
      return state.phase
    case 'ready':
      if (id === 'ramDisk') return describeForge(snapshot)
      if (id === 'proxy') return describeProof(snapshot)
      // Its purpose is the name; the Router's own address, which works everywhere, is shown below.
      if (id === 'gateway') return (state.endpoint ?? '').replace(/^http:\/\//, '')
      return describeEngine(snapshot, state)
  }
}

/** The right end of the row. */
export const describeFigures = (snapshot: Snapshot, id: ServiceId): string => {
  if (id === 'ramDisk') {
    const { ramDisk } = snapshot
    if (ramDisk?.mounted !== true || ramDisk.totalBytes === null) return ''
    return formatShare(ramDisk.usedBytes, ramDisk.totalBytes)
  }
  const state = readService(snapshot, id)
  if (state === null) return ''
  const parts = [
    // A gateway's row shows its whole address.
    id === 'gateway' ? '' : describePort(state.endpoint),
    state.uptimeSeconds === null ? '' : formatRoughDuration(state.uptimeSeconds),
  ]
  return parts.filter((part) => part !== '').join(' · ')
}

/** The row's tooltip: what a click does, and details without room in the row. */
export const describeLineTitle = (snapshot: Snapshot, id: ServiceId): string => {
  const more = describeMore(snapshot, id)
  return `${serviceNames[id]}: ${more === null ? '' : `${more}; `}show its log`
}

/** The memory the forge really holds, or the model's full name and its draft model. */
const describeMore = (
  { ramDisk, engineModel, speculationFailure }: Snapshot,
  id: ServiceId,
): string | null => {
  if (id === 'ramDisk') return ramDisk?.mounted === true ? formatReserve(ramDisk) : null
  if (id !== 'llamaServer' || engineModel === null) return null
  const { modelPath, draftModelPath } = engineModel
  const verb = speculationFailure === undefined ? 'drafted by' : 'not drafted by'
  const draft = draftModelPath === null ? '' : `, ${verb} ${nameModel(draftModelPath)}`
  return `${nameModel(modelPath)}${draft}`
}

export interface Trouble {
  readonly reason: string
  /** The button that fixes it; each command is sent once the one before was accepted. null when only the log helps. */
  readonly mend: { readonly label: string; readonly commands: readonly Command[] } | null
  /** What the button does beyond its label; then it asks for confirmation. */
  readonly warning: string | null
  /** Whether the service's own log can explain it. */
  readonly isLogged: boolean
}

/** Unless `more` says otherwise, only the log helps. */
const troubleOf = (reason: string, more: Partial<Trouble> = {}): Trouble => ({
  reason,
  mend: null,
  warning: null,
  isLogged: true,
  ...more,
})

/** null when the service is healthy. */
export const describeTrouble = (snapshot: Snapshot, id: ServiceId): Trouble | null => {
  const state = readService(snapshot, id)
  if (state === null) return null
  if (id === 'gateway') return describeGatewayTrouble(state)
  const { phase, reason } = state
  const name = serviceNames[id]
  if (state.foreign !== null) {
    const holder = nameForeign(state.foreign, nameOf)
    const foreign = `${startSentence(holder)} holds its port; Nexus did not start it`
    return troubleOf(reason === null ? foreign : `${reason}. ${foreign}`, {
      mend: {
        label: 'Replace it and start',
        commands: [{ ...startCommand(id), replaceForeign: true }],
      },
      warning: `This ends ${holder} and whatever it is doing.`,
      isLogged: false,
    })
  }
  if (phase === 'failed') {
    const why = reason ?? `${name} failed and gave no reason`
    // Mounting a mounted disk would only be refused again.
    if (id === 'ramDisk' && snapshot.ramDisk?.mounted === true) {
      const mend = { label: 'Eject and mount again', commands: [ejectForge, startCommand(id)] }
      return troubleOf(why, { mend, warning: ejectLoss })
    }
    const label = id === 'ramDisk' ? 'Mount it again' : `Start ${name} again`
    return troubleOf(why, { mend: { label, commands: [startCommand(id)] } })
  }
  if (phase === 'degraded')
    return troubleOf(reason ?? `${name} does not answer properly`, id === 'ramDisk' ? {} : restartOf(id))
  // It works, only slower; the fix is a setting.
  if (id === 'llamaServer' && snapshot.speculationFailure !== undefined)
    return troubleOf(snapshot.speculationFailure, { isLogged: false })
  // The Router leads to the model: its log shows where a request got stuck, and a restart proves it again.
  const unanswered = id === 'proxy' ? whyUnanswered(snapshot) : null
  return unanswered === null ? null : troubleOf(unanswered, restartOf(id))
}

const restartOf = (id: CommandedId): Pick<Trouble, 'mend' | 'warning'> => ({
  mend: { label: `Restart ${serviceNames[id]}`, commands: [{ type: 'restart', only: id }] },
  warning: 'Requests in progress are lost.',
})

/** Starting the Router starts the gateway, and is a no-op for a running Router. A foreign process on its port serves others and stays. */
const describeGatewayTrouble = ({ phase, reason, foreign }: ServiceState): Trouble | null => {
  if (phase !== 'failed' && phase !== 'degraded') return null
  const start = { label: `Start ${serviceNames.gateway} again`, commands: [startCommand('proxy')] }
  return troubleOf(reason ?? 'the Gateway gave no reason', {
    mend: phase === 'failed' ? start : null,
    isLogged: foreign === null,
  })
}

/** Not while starting: then the steps of the start show it. */
export const hasTrouble = (snapshot: Snapshot): boolean =>
  snapshot.overall !== 'starting' &&
  presentServices(snapshot).some(({ id }) => describeTrouble(snapshot, id) !== null)

export const ejectForge: Command = { ...stopCommand('ramDisk'), eject: true }

export const ejectLoss = 'Everything on the RAM disk is lost; the next builds start from scratch.'

/** What ending a server does to working agents; null: nothing. */
export const describeWorkLoss = (snapshot: Snapshot): string | null => {
  const work = describeWork(snapshot)
  return work === null ? null : `${work} Requests that don’t finish in time are lost.`
}
