// A supervisor wired to this machine: the child's log, the owner of its port, and staying awake while it runs.

import { isServing } from '../../contract/services.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { LogError } from '../logs/core-log.ts'
import { openLogForChild } from '../logs/log-file.ts'
import { readLogSince } from '../logs/log-follow.ts'
import { readLogMark } from '../logs/log-generations.ts'
import type { Platform } from '../platform/platform.ts'
import { createCommandRunner, type RunCommand } from '../platform/run-command.ts'
import type { ChildService } from './child-service.ts'
import { describeForeignServer } from './foreign-server.ts'
import type { Ledger, LedgerEntry } from './ledger.ts'
import { defaultRestartPolicy } from './restart-policy.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'

export interface SuperviseOptions {
  readonly folder: Pick<StateFolder, 'logPath'>
  readonly platform: Pick<Platform, 'processes' | 'keepAwakeWhile'>
  readonly profileName: string
  /** Shared by all services of a core: two ledgers would overwrite each other's entries. */
  readonly ledger: Ledger
  readonly onChange: () => void
  /** Runs system commands; default: this machine's. */
  readonly run?: RunCommand
  readonly logError: LogError
}

export interface SupervisedChild extends Supervisor {
  /** The process that serves now; null when none does. */
  serving(): LedgerEntry | null
  /** How to check the health of what serves now; null when nothing does. */
  healthCheck(): HealthCheck | null
}

export interface HealthCheck extends Pick<ChildService, 'id' | 'probe'> {
  readonly report: Supervisor['reportHealth']
}

export const superviseChild = (options: SuperviseOptions, service: ChildService): SupervisedChild => {
  const { ledger } = options
  const path = options.folder.logPath(service.id)
  const run = options.run ?? createCommandRunner()
  let keptAwakeFor: number | null = null
  const keepAwake = () => {
    const { pid } = supervisor.state()
    if (pid !== null && pid !== keptAwakeFor)
      void options.platform.keepAwakeWhile(pid).catch(options.logError)
    keptAwakeFor = pid
  }
  const supervisor = createSupervisor({
    service,
    profileName: options.profileName,
    processes: options.platform.processes,
    ledger,
    log: {
      open: () => {
        const fd = openLogForChild(path)
        return { fd, mark: readLogMark(path) }
      },
      readSince: (mark, maxLines) => readLogSince(path, mark, maxLines),
    },
    policy: defaultRestartPolicy,
    describeForeign: async (owner) =>
      service.id === 'gateway'
        ? null
        : describeForeignServer(service.id, owner, { processes: options.platform.processes, run }),
    onChange: () => {
      keepAwake()
      options.onChange()
    },
  })
  return {
    ...supervisor,
    serving: () => (isServing(supervisor.state()) ? ledger.find(service.id) : null),
    healthCheck: () =>
      isServing(supervisor.state())
        ? { id: service.id, probe: service.probe, report: supervisor.reportHealth }
        : null,
  }
}
