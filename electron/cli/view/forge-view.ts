// `nexus forge status` as text: the RAM disk, cargo's settings, and each workspace on the disk. No I/O.
import { formatBytes, formatDuration, formatShare, unknown } from '../../wording/figures.ts'
import type { ForgeStatus } from '../forge-status.ts'
import { alignCells, printable, truncate } from './text-line.ts'

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
  const rows = workspaces.map((row) => [
    formatBytes(row.bytes),
    row.owner === null ? unknown : printable(row.owner),
    row.building === true ? 'building now' : describeAge(row.lastBuildAt, now),
    printable(row.workspace ?? `${row.buildDir} (workspace not known)`),
  ])
  const lines = alignCells([['size', 'whose', 'last build', 'workspace'], ...rows], [1, 2, 3])
  return ['', ...lines.map((line) => truncate(line, width)), ...closed]
}

const describeAge = (at: number | null, now: number): string =>
  at === null ? unknown : `${formatDuration((now - at) / 1000)} ago`
