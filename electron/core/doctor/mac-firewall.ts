// What the macOS application firewall does to connections from other machines, according to socketfilterfw.
import { realpath } from 'node:fs/promises'
import { quoteForShell } from '../../wording/shell-quote.ts'
import type { RunCommand } from '../platform/run-command.ts'

const firewallCommand = '/usr/libexec/ApplicationFirewall/socketfilterfw'

type FirewallState = 'off' | 'on' | 'blocks-all'

/** "Firewall is enabled. (State = 1)": 0 off, 1 on, 2 blocks all but what the system needs. null: unrecognised. */
export const parseFirewallState = (text: string): FirewallState | null => {
  switch (/\(State = (\d)\)/.exec(text)?.[1]) {
    case '0':
      return 'off'
    case '1':
      return 'on'
    case '2':
      return 'blocks-all'
    default:
      return /firewall is disabled/i.test(text) ? 'off' : /firewall is enabled/i.test(text) ? 'on' : null
  }
}

/**
 * `--getappblocked PROGRAM`: "Incoming connection to the application is permitted", or blocked, or "The application is not part of
 * the firewall"; the wording differs between versions. It also says "permitted" of unlisted programs whose connections are dropped.
 * null: unrecognised.
 */
export const parseAppBlocked = (
  text: string,
  program: string,
): 'permitted' | 'blocked' | 'not-listed' | null => {
  const said = text.replaceAll(program, '')
  if (/not part of the firewall/i.test(said)) return 'not-listed'
  if (/\b(?:permitted|allowed|not blocked)\b/i.test(said)) return 'permitted'
  return /\bblock(?:ed|ing)?\b/i.test(said) ? 'blocked' : null
}

/** `--listapps`: ` 1 : /path/of/program`, with the rule in brackets below. */
export const listsApp = (text: string, program: string): boolean =>
  text.split(/\r?\n/).some((line) => /^\s*\d+\s*:\s*(\S.*?)\s*$/.exec(line)?.[1] === program)

export type FirewallReading = Awaited<ReturnType<typeof readFirewall>>

/** The file by which the firewall knows a server. A framework's Python re-executes itself as the program inside Python.app. */
export const firewallProgram = (resolvedPath: string): string =>
  resolvedPath.replace(
    /(\/Python\.framework\/Versions\/[^/]+)\/bin\/python[\d.]*$/,
    '$1/Resources/Python.app/Contents/MacOS/Python',
  )

/** Connections from this machine to its own address bypass the firewall, so ask it instead. `path`: the server's program. */
export const readFirewall = async (run: RunCommand, path: string) => {
  const ask = async (...args: readonly string[]): Promise<string> => {
    const result = await run([firewallCommand, ...args], { timeoutMs: 1_000 })
    return result.kind === 'exited' ? `${result.stdout}\n${result.stderr}` : result.reason
  }
  const unknown = (answer: string) => ({
    kind: 'unknown' as const,
    reason: `socketfilterfw says "${answer.trim().slice(0, 80)}"`,
  })
  const said = await ask('--getglobalstate')
  const state = parseFirewallState(said)
  if (state === null) return unknown(said)
  if (state !== 'on') return { kind: state }
  const program = firewallProgram(await realpath(path).catch(() => path))
  const [blocked, listed] = await Promise.all([ask('--getappblocked', program), ask('--listapps')])
  const rule = parseAppBlocked(blocked, program)
  if (rule === null) return unknown(blocked)
  const isKnown = rule !== 'permitted' || listsApp(listed, program) || listsApp(listed, path)
  return { kind: 'program', program, rule: isKnown ? rule : 'not-listed' } as const
}

export const letInCommand = (program: string): string =>
  `sudo ${firewallCommand} --add ${quoteForShell(program)} && sudo ${firewallCommand} --unblockapp ${quoteForShell(program)}`

export const letAnyInCommand = `sudo ${firewallCommand} --setblockall off`
