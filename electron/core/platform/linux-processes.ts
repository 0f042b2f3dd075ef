// Linux processes: identity, argv, group members and port owners, from /proc.
import { readLinuxPortOwner } from './linux-port-owner.ts'
import { readPids, readProcessText, readProcText } from './linux-proc.ts'
import { isAlive, type ProcStat, parseCmdline, parseProcStat } from './linux-process-text.ts'
import type { ProcessTable } from './platform.ts'

export const readLiveStat = async (pid: number): Promise<ProcStat | null> => {
  // pid 0 and negative pids mean something else to kill(2), so they identify no process.
  if (!Number.isSafeInteger(pid) || pid <= 0) return null
  const text = await readProcessText(`/proc/${pid}/stat`)
  const stat = text === null ? null : parseProcStat(text)
  return stat !== null && isAlive(stat) ? stat : null
}

export const readProcArgv = async (pid: number): Promise<readonly string[] | null> => {
  const text = await readProcText(`/proc/${pid}/cmdline`)
  return text === null ? null : parseCmdline(text)
}

const readGroupMembers = async (groupId: number): Promise<readonly number[]> => {
  const stats = await Promise.all((await readPids()).map(readLiveStat))
  return stats.flatMap((stat) => (stat !== null && stat.groupId === groupId ? [stat.pid] : []))
}

export const createLinuxProcessTable = (): ProcessTable => ({
  identityCost: 'file',
  async readIdentity(pid) {
    const [stat, bootId] = await Promise.all([
      readLiveStat(pid),
      readProcText('/proc/sys/kernel/random/boot_id'),
    ])
    if (stat === null) return null
    // Ticks count from boot, and services started by init get nearly the same pid and ticks at every boot: after a
    // reboot the ledger could name a foreign process. The boot id prevents that (random(4)).
    return { pid, startedAt: `${stat.startTicks}@${bootId?.trim() ?? 'unknown-boot'}` }
  },
  async readArgv(pid) {
    return (await readLiveStat(pid)) === null ? null : await readProcArgv(pid)
  },
  readGroupMembers,
  readPortOwner: readLinuxPortOwner,
})
