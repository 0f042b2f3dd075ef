// `nexus forge status` as text: the RAM disk, cargo's settings, and each workspace on the disk. No I/O.
import { formatBytes, formatDuration, formatShare, unknown } from '../../wording/figures.ts'
import type { ForgeStatus } from '../forge-status.ts'
import { padEnd, padStart, printable, readWidth, truncate } from './text-line.ts'

export const renderForgeStatus = (
  status: ForgeStatus,
  { width, now }: { readonly width: number; readonly now: number },
): readonly string[] => [
  ...renderDisk(status),
  ...renderCargo(status),
  ...renderRows(status, Math.max(40, width), now),
]

const renderDisk = ({
  mountPoint,
  mounted,
  prepared,
  totalBytes,
  usedBytes,
}: ForgeStatus): readonly string[] => {
  if (!mounted)
    return [
      `${mountPoint} is not mounted. Builds go to target/ on the disk; nexus up --only ramDisk mounts it.`,
    ]
  const used = `${mountPoint}: ${formatShare(usedBytes, totalBytes)} used.`
  return prepared
    ? [used]
    : [
        used,
        `It is not prepared for cargo, so builds go to target/ on the disk: nexus up --only ramDisk prepares it.`,
      ]
}

const renderCargo = ({ cargo }: ForgeStatus): readonly string[] => {
  const { version, configPath, enabled, projectConfigs, notes } = cargo
  const who = version === null ? 'No cargo here' : `cargo ${version}`
  const own = enabled
    ? `${who}: all your projects build there while it is mounted (${configPath}).`
    : `${who}: ${configPath} sends nothing there; nexus forge enable does.`
  const some = projectConfigs.length === 0 ? [] : [`Some projects build there: ${projectConfigs.join(', ')}.`]
  return [own, ...some, ...notes.map((note) => `Note: ${note}.`)]
}

const renderRows = (
  { workspaces, closedOwners }: ForgeStatus,
  width: number,
  now: number,
): readonly string[] => {
  if (workspaces === null) return []
  const closed =
    closedOwners.length === 0
      ? []
      : [`It also holds builds of ${closedOwners.join(', ')} that you can't read.`]
  if (workspaces.length === 0) return ['No workspace has built there yet.', ...closed]
  const rows = workspaces.map((row) => ({
    size: formatBytes(row.bytes),
    owner: row.owner === null ? unknown : printable(row.owner),
    when: row.building === true ? 'building now' : describeAge(row.lastBuildAt, now),
    path: printable(row.workspace ?? `${row.buildDir} (workspace not known)`),
  }))
  const widest = (key: 'size' | 'owner' | 'when', head: string) =>
    Math.max(readWidth(head), ...rows.map((row) => readWidth(row[key])))
  const [size, owner, when] = [widest('size', 'size'), widest('owner', 'whose'), widest('when', 'last build')]
  const line = (row: (typeof rows)[number]) =>
    truncate(
      `${padStart(row.size, size)}  ${padEnd(row.owner, owner)}  ${padEnd(row.when, when)}  ${row.path}`,
      width,
    )
  const head = line({ size: 'size', owner: 'whose', when: 'last build', path: 'workspace' })
  return ['', head, ...rows.map(line), ...closed]
}

const describeAge = (at: number | null, now: number): string =>
  at === null ? unknown : `${formatDuration((now - at) / 1000)} ago`
