// The services in the status view: one line each, and for an unhealthy one its reason and the command that fixes it.
import { type ServiceId, serviceNames } from '../../contract/service-ids.ts'
import { presentServices } from '../../contract/services.ts'
import type { Phase, ServiceState, Snapshot } from '../../contract/snapshot.ts'
import { formatDuration, plural } from '../../wording/figures.ts'
import { nameModel } from '../../wording/model-words.ts'
import { nameForeign } from '../../wording/state-words.ts'
import { hang, justify, type Piece, padEnd, piece, printable, type TextLine, type Tone } from './text-line.ts'

const marks: Readonly<Record<Phase, { readonly sign: string; readonly tone: Tone }>> = {
  stopped: { sign: '○', tone: 'dim' },
  starting: { sign: '◌', tone: 'busy' },
  ready: { sign: '●', tone: 'good' },
  degraded: { sign: '▲', tone: 'warn' },
  stopping: { sign: '◌', tone: 'busy' },
  failed: { sign: '✕', tone: 'bad' },
}

export const renderPhase = (phase: Phase): readonly [Piece, Piece] => [
  piece(`${marks[phase].sign} `, marks[phase].tone),
  piece(padEnd(phase, 10), marks[phase].tone),
]

interface Part {
  readonly id: ServiceId
  readonly state: ServiceState
}

const readPlace = (snapshot: Snapshot, { id, state }: Part): string => {
  if (id === 'ramDisk') return snapshot.ramDisk?.mountPoint ?? ''
  return state.endpoint ?? ''
}

/** The model is shown only from 100 columns. */
const longestModelName = 36

const renderService = (snapshot: Snapshot, part: Part, width: number): TextLine => {
  const { id, state } = part
  const [sign, word] = renderPhase(state.phase)
  const model = id === 'llamaServer' && width >= 100 ? snapshot.engineModel : null
  const right = [
    ...(model === null
      ? []
      : [piece(`${printable(nameModel(model.modelPath, longestModelName))}   `, 'dim')]),
    ...(state.restarts === 0 ? [] : [piece(plural(state.restarts, 'restart'), 'warn'), piece('   ')]),
    ...(state.adopted && width >= 100 ? [piece('adopted   ', 'dim')] : []),
    ...(state.uptimeSeconds === null ? [] : [piece(`up ${formatDuration(state.uptimeSeconds)}`, 'dim')]),
  ]
  const waiting = (state.phase === 'starting' || state.phase === 'stopping') && state.waitingFor !== null
  const what = waiting ? (state.waitingFor ?? '') : readPlace(snapshot, part)
  return justify([sign, piece(padEnd(serviceNames[id], 13)), word, piece(' '), piece(what)], right, width)
}

/** The reason of an unhealthy service, and the command that fixes it. */
const renderTrouble = (snapshot: Snapshot, { id, state }: Part, width: number): readonly TextLine[] => {
  const bad = state.phase === 'failed' || state.phase === 'degraded'
  const undrafted = id === 'llamaServer' && !bad ? (snapshot.speculationFailure ?? null) : null
  const { foreign } = state
  const held =
    foreign === null
      ? null
      : `its port is held by ${nameForeign(foreign, (path) => path)}, not started by Nexus`
  const words = (bad ? state.reason : null) ?? held ?? undrafted
  const command = findMendingCommand(id, state) ?? (undrafted === null ? null : 'nexus doctor')
  const tone = undrafted === null ? marks[state.phase].tone : 'warn'
  return [
    ...(words === null ? [] : hang([piece('  ')], words, width - 2, { tone, mostLines: 4 })),
    ...(command === null ? [] : [[piece('  → ', 'dim'), piece(command, 'strong')]]),
  ]
}

export const renderServices = (snapshot: Snapshot, width: number): readonly TextLine[] =>
  presentServices(snapshot).flatMap((part) => [
    renderService(snapshot, part, width),
    ...renderTrouble(snapshot, part, width),
  ])

/** The command that fixes a service, or shows why it is unhealthy; null when nothing is wrong. */
export const findMendingCommand = (id: ServiceId, state: ServiceState): string | null => {
  if (state.foreign !== null) return 'nexus doctor'
  switch (state.phase) {
    case 'failed':
      // It crashed until the supervisor gave up: worth another try. It failed at once: the doctor knows why.
      if (state.restarts === 0) return 'nexus doctor'
      return id === 'gateway' ? 'nexus up' : `nexus restart ${id}`
    case 'degraded':
      return id === 'ramDisk' ? 'nexus doctor' : `nexus logs ${id} --follow`
    case 'stopped':
    case 'starting':
    case 'ready':
    case 'stopping':
      return null
  }
}
