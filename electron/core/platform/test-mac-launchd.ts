// Stands in for launchctl on a pretended Mac.
import { existsSync } from 'node:fs'
import { print, type Reply, refuse } from './test-mac-reply.ts'
import type { TestMacState } from './test-mac-state.ts'

const noDomain = (verb: string): Reply =>
  refuse(125, `${verb} failed: 125: Domain does not support specified action\n`)
const isMissingDomain = (state: TestMacState, target: string): boolean =>
  target.startsWith('gui/') && !state.guiSession

/** The job's own lines have one TAB; deeper ones repeat their keys with other values. */
export const printJob = (state: TestMacState, args: readonly string[]): Reply => {
  const target = args.at(-1) ?? ''
  if (isMissingDomain(state, target)) return noDomain('Print')
  const job = state.jobs[target]
  const label = target.split('/').at(-1)
  const missing = refuse(113, `Bad request.\nCould not find service "${label}" in domain for user gui: 501\n`)
  if (job === undefined) return missing
  if (job.leavesAfterPrints === 0) {
    delete state.jobs[target]
    return missing
  }
  if (job.leavesAfterPrints !== null) job.leavesAfterPrints -= 1
  return print(
    `${target} = {\n\tactive count = 1\n\tpath = ${job.path}\n\ttype = LaunchAgent\n\tstate = running\n\n\tpid = ${job.pid}\n\tlast exit code = (never exited)\n\n\tresource coalition = {\n\t\tstate = active\n\t\tpid = 1\n\t}\n}\n`,
  )
}

export const bootstrapJob = (state: TestMacState, args: readonly string[]): Reply => {
  const [, domain = '', path = ''] = args
  if (isMissingDomain(state, domain)) return noDomain('Bootstrap')
  const label = path.split('/').at(-1)?.replace('.plist', '')
  const target = `${domain}/${label}`
  if (state.jobs[target] !== undefined || !existsSync(path))
    return refuse(
      5,
      'Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.\n',
    )
  state.jobs[target] = { path, pid: 4711, leavesAfterPrints: null }
  return print('')
}

/** Answers before the job is gone, as launchd does. */
export const bootoutJob = (state: TestMacState, args: readonly string[]): Reply => {
  const target = args[1] ?? ''
  if (isMissingDomain(state, target)) return noDomain('Boot-out')
  const job = state.jobs[target]
  if (job === undefined) return refuse(3, 'Boot-out failed: 3: No such process\n')
  job.leavesAfterPrints = 2
  return print('')
}
