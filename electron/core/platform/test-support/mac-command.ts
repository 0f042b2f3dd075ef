// Which stand-in answers for a command of a pretended Mac.
import {
  attach,
  createApfs,
  detach,
  enableOwnership,
  eraseVolume,
  info,
  mountTable,
  mountVolume,
  openFiles,
  unmountVolume,
} from './mac-disks.ts'
import {
  bootoutJob,
  bootstrapJob,
  disableJob,
  enableJob,
  kickstartJob,
  killJob,
  nameManager,
  printJob,
} from './mac-launchd.ts'
import { showListeners, showProcesses } from './mac-processes.ts'
import { print, type Reply, refuse } from './mac-reply.ts'
import type { TestMacState } from './mac-state.ts'
import { askFirewall, readDefault, runScreen, showIndexing, showPower } from './mac-system.ts'

type Answer = (state: TestMacState, args: readonly string[]) => Reply

/** By command and first word, for those that go by it. */
const verbs: Readonly<Record<string, Answer>> = {
  'hdiutil attach': attach,
  'hdiutil info': info,
  'hdiutil detach': detach,
  'diskutil erasevolume': eraseVolume,
  'diskutil apfs': createApfs,
  'diskutil mount': mountVolume,
  'diskutil enableOwnership': enableOwnership,
  'diskutil unmount': unmountVolume,
  'launchctl print': printJob,
  'launchctl bootstrap': bootstrapJob,
  'launchctl bootout': bootoutJob,
  'launchctl kickstart': kickstartJob,
  'launchctl kill': killJob,
  'launchctl managername': nameManager,
  'launchctl enable': enableJob,
  'launchctl disable': disableJob,
}

/** The others; what a test has put into `replies` comes before. */
const programs: Readonly<Record<string, Answer>> = {
  mount: mountTable,
  pmset: showPower,
  mdutil: showIndexing,
  defaults: readDefault,
  screen: runScreen,
  // By its whole path: it is on no PATH.
  '/usr/libexec/ApplicationFirewall/socketfilterfw': askFirewall,
  ps: showProcesses,
  lsof: showListeners,
  // Holds the machine awake in silence; that it was started stands in the journal.
  caffeinate: () => print(''),
}

/** Changes the state as the command would change the Mac, and answers what it would print. */
export const answerCommand = (state: TestMacState, command: string, args: readonly string[]): Reply => {
  const failure = state.failing[`${command} ${args[0]}`]
  if (failure !== undefined) return failure
  if (command === 'lsof' && args.includes('+f')) return openFiles(state, args)
  const verb = verbs[`${command} ${args[0]}`]
  if (verb !== undefined) return verb(state, args)
  const reply = state.replies[command]
  if (reply !== undefined) return reply
  return programs[command]?.(state, args) ?? refuse(1, `${command}: not pretended here\n`)
}
