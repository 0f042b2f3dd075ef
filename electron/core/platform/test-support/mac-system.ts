// Stands in for pmset, mdutil, defaults, socketfilterfw and screen on a pretended Mac. Beside each line stands what it was
// taken from: a recording, a public report by its number in the index of stored files, a manual page, or "assumed".
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { volumesOf } from './mac-disks.ts'
import { print, type Reply, refuse } from './mac-reply.ts'
import type { TestMacState } from './mac-state.ts'

/** `pmset -g` as id 15884325852 and id 70275891102 show it; autorestart, which a Studio has, after pmset(1). */
export const showPower = ({ power }: TestMacState): Reply =>
  print(
    `System-wide power settings:\nCurrently in use:\n standby              0\n Sleep On Power Button 1\n autorestart          ${power.restarts ? 1 : 0}\n sleep                ${power.sleepMinutes}${power.sleepMinutes === 0 ? '' : ' (sleep prevented by caffeinate)'}\n displaysleep         10\n`,
  )

/**
 * The two answers as ids 4709907343 and 29301722813 show them. That a volume with the marker says "Indexing disabled." is
 * assumed: newer ones may name the marker (id 61146437567). The refusal is assumed.
 */
export const showIndexing = (state: TestMacState, args: readonly string[]): Reply => {
  const at = args.at(-1) ?? ''
  if (!volumesOf(state).some(({ mountPoint }) => mountPoint === at))
    return refuse(1, `Error: unknown volume: ${at}\n`)
  const off = existsSync(join(at, '.metadata_never_index'))
  return print(`${at}:\n\tIndexing ${off ? 'disabled' : 'enabled'}. \n`)
}

/** The refusal as ids 62496031148 and 70159571994 show it, on stderr; the value alone after defaults(1). */
export const readDefault = ({ autoLoginUser }: TestMacState, args: readonly string[]): Reply => {
  const [, domain, key] = args
  return key === 'autoLoginUser' && autoLoginUser !== null
    ? print(`${autoLoginUser}\n`)
    : refuse(
        1,
        `2026-09-21 20:04:00.000 defaults[411:2222]\nThe domain/default pair of (${domain}, ${key}) does not exist\n`,
      )
}

const socketFolder = '/var/folders/x/T/.screen'

/**
 * screen/macos-none-2026.txt, macos-attached-and-detached.txt and macos-named-two-detached-2026.txt; "a screen" for one, the
 * blank line after none (darwin18.7-none-room-empty.txt), exit status 1 and the CR LF are assumed, after general knowledge
 * of screen 4.00.03.
 */
export const runScreen = (state: TestMacState, args: readonly string[]): Reply => {
  if (args.includes('-wipe')) state.screens = state.screens.filter(({ status }) => !/dead/i.test(status))
  if (args.includes('quit'))
    state.screens = state.screens.filter(({ pid, name }) => `${pid}.${name}` !== args[args.indexOf('-S') + 1])
  const { screens } = state
  const count = screens.length
  const lines =
    count === 0
      ? [`No Sockets found in ${socketFolder}.`, '']
      : [
          count === 1 ? 'There is a screen on:' : 'There are screens on:',
          ...screens.map(({ pid, name, status }) => `\t${pid}.${name}\t(${status})`),
          `${count} Socket${count === 1 ? '' : 's'} in ${socketFolder}.`,
        ]
  return { exitCode: 1, stdout: lines.map((line) => `${line}\r\n`).join(''), stderr: '' }
}

/**
 * The state as id 70261221443 captured it, the rule as ids 103811115 and 70148372305 show it; the list is assumed, after
 * general knowledge. "permitted" is said of programs too that it does not list (ids 62489585702, 70889697451).
 */
export const askFirewall = ({ firewall }: TestMacState, args: readonly string[]): Reply => {
  const { isOn, rules } = firewall
  switch (args[0]) {
    case '--getglobalstate':
      return print(isOn ? 'Firewall is enabled. (State = 1)\n' : 'Firewall is disabled. (State = 0)\n')
    case '--getappblocked':
      return print(
        `Incoming connection to the application is ${rules[args[1] ?? ''] === 'Block' ? 'blocked' : 'permitted'}\n`,
      )
    case '--listapps':
      return print(
        `Total number of apps = ${Object.keys(rules).length} \n${Object.entries(rules)
          .map(
            ([path, rule], index) => `${index + 1} : ${path} \n             (${rule} incoming connections)\n`,
          )
          .join('')}`,
      )
    default:
      return refuse(1, 'usage: socketfilterfw\n')
  }
}
