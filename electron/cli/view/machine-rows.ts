// The memory, Build Forge, tokens-per-second and other Studios' parts of the status view.
import type { Memory, RamDisk, StudioNode, Throughput } from '../../contract/snapshot.ts'
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatRate,
  formatReserve,
  formatShare,
} from '../../wording/figures.ts'
import { describeNodeSlots } from '../../wording/room.ts'
import { describeSwap, readSwapping } from '../../wording/swapping.ts'
import {
  bar,
  justify,
  type Piece,
  padEnd,
  padStart,
  piece,
  printable,
  readLineWidth,
  type TextLine,
  type Tone,
  truncate,
} from './text-line.ts'

const labelWidth = 13

const separator = (width: number): Piece => piece(width >= 100 ? '  ·  ' : ' · ', 'dim')

/** Parts with separators, on as many lines as needed. */
const flow = (parts: readonly Piece[], width: number): readonly TextLine[] => {
  const lines: Piece[][] = []
  for (const part of parts) {
    const line = lines.at(-1)
    const longer = line === undefined ? [part] : [...line, separator(width), part]
    if (line !== undefined && readLineWidth(longer) <= width - labelWidth) lines[lines.length - 1] = longer
    else lines.push([part])
  }
  return lines.map((line) => [piece(' '.repeat(labelWidth)), ...line])
}

export const renderThroughput = (throughput: Throughput | null, width: number): TextLine => {
  const rate = formatRate(throughput?.generationTokensPerSecond ?? null)
  const prompt = formatRate(throughput?.promptTokensPerSecond ?? null)
  const acceptance = throughput?.draftAcceptance ?? null
  const left: TextLine = [
    piece(padEnd('Tokens/s', labelWidth), 'strong'),
    piece(padEnd(rate, 6), 'strong'),
    piece(' generating', 'dim'),
    separator(width),
    piece(`${prompt} prefill`),
    separator(width),
    piece(`draft ${formatPercent(acceptance)}`),
  ]
  const total =
    throughput === null ? [] : [piece(`${formatCount(throughput.tokensGeneratedTotal)} total`, 'dim')]
  return justify(left, readLineWidth(left) + readLineWidth(total) + 2 <= width ? total : [], width)
}

const pressureTones: Readonly<Record<NonNullable<Memory['pressure']>, Tone>> = {
  normal: 'plain',
  warn: 'warn',
  critical: 'bad',
}

const renderGauge = (
  label: string,
  share: number | null,
  words: string,
  note: Piece,
  tone: Tone,
  width: number,
) => {
  const noteWidth = width >= 72 ? 19 : 0
  const barWidth = Math.max(6, width - labelWidth - 18 - noteWidth)
  const line: TextLine = [
    piece(padEnd(label, labelWidth), 'strong'),
    ...bar(share, barWidth, tone),
    piece(padStart(words, 18)),
    ...(noteWidth === 0 ? [] : [{ ...note, text: padStart(note.text, noteWidth) }]),
  ]
  return line
}

export const renderMemory = (memory: Memory | null, width: number): readonly TextLine[] => {
  if (memory === null) return [[piece(padEnd('Memory', labelWidth), 'strong'), piece('not known', 'dim')]]
  const { pressure, wiredBytes, gpuLimitBytes, cpuPercent } = memory
  const tone = pressure === null || pressure === 'normal' ? 'busy' : pressureTones[pressure]
  const note =
    pressure === null
      ? piece('pressure not known', 'dim')
      : piece(`pressure ${pressure}`, pressureTones[pressure])
  const share = memory.usedBytes / Math.max(1, memory.totalBytes)
  const isSwapping = readSwapping(memory) !== null
  const swap = piece(describeSwap(memory), isSwapping ? 'bad' : memory.swapUsedBytes ? 'plain' : 'dim')
  const details = [
    ...(width < 72 ? [note] : []),
    ...(isSwapping ? [swap] : []),
    // null means Linux here (see the contract).
    wiredBytes === null
      ? piece('wired: not a Linux notion', 'dim')
      : piece(`wired ${formatBytes(wiredBytes)}`),
    ...(gpuLimitBytes === null ? [] : [piece(`GPU limit ${formatBytes(gpuLimitBytes)}`)]),
    ...(isSwapping ? [] : [swap]),
    piece(`CPU ${formatPercent(cpuPercent === null ? null : cpuPercent / 100)}`),
  ]
  return [
    renderGauge('Memory', share, formatShare(memory.usedBytes, memory.totalBytes), note, tone, width),
    ...flow(details, width),
  ]
}

const mostProjects = 3

/** The disk, the memory that it holds beyond the used bytes, and the largest workspaces by the last part of their path. */
export const renderForge = (disk: RamDisk | null, width: number): readonly TextLine[] => {
  const label = piece(padEnd('Build Forge', labelWidth), 'strong')
  if (disk === null) return [[label, piece('not known', 'dim')]]
  if (!disk.mounted) return [[label, piece('no RAM disk: builds would go to the SSD', 'warn')]]
  const { usedBytes, totalBytes } = disk
  const share = usedBytes === null || totalBytes === null ? null : usedBytes / Math.max(1, totalBytes)
  const tone = share !== null && share >= 0.9 ? 'warn' : 'busy'
  const note = disk.kind === 'shm-folder' ? 'size not enforced' : `${disk.kind ?? 'kind not known'}`
  const words = formatShare(usedBytes, totalBytes)
  // Blocks of deleted files are freed only by ejecting.
  const reserve = formatReserve(disk)
  const projects = [...(disk.projects ?? [])].sort((a, b) => b.bytes - a.bytes).slice(0, mostProjects)
  const parts = projects.map(({ path, bytes, building }) => {
    const name = printable(path.slice(path.lastIndexOf('/') + 1))
    const size = `${truncate(name, 24)} ${formatBytes(bytes)}`
    return building === true ? piece(`${size} building`, 'busy') : piece(size, 'dim')
  })
  return [
    renderGauge('Build Forge', share, words, piece(note, 'dim'), tone, width),
    ...(reserve === null ? [] : flow([piece(reserve, 'dim')], width)),
    ...flow(parts, width),
  ]
}

const nodeTones: Readonly<Record<StudioNode['phase'], Tone>> = {
  ready: 'good',
  degraded: 'warn',
  unreachable: 'bad',
}

/** The other Studios, one line each. */
export const renderNodes = (nodes: readonly StudioNode[]): readonly TextLine[] =>
  nodes.map((node, index) => [
    piece(padEnd(index === 0 ? 'Studios' : '', labelWidth), 'strong'),
    piece(padEnd(printable(node.name), 12), 'strong'),
    piece(` ${padEnd(node.phase, 12)}`, nodeTones[node.phase]),
    piece(node.reason === null ? describeNodeSlots(node) : printable(node.reason)),
    piece(`   ${node.endpoint}`, 'dim'),
  ])
