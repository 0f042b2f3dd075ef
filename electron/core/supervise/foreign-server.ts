// A llama-server or LiteLLM on our port that Nexus did not start (such as the seed's start script): finding and ending it.

import type { SupervisedId } from '../../contract/service-ids.ts'
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { isErrno } from '../base/private-file.ts'
import type { ProcessTable } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { isLiveSession, parseScreenList } from '../platform/screen-sessions.ts'
import { createLifeLook, isSameProcess } from './life-look.ts'

/** Not the gateway: another Traefik on port 80 serves something else and is no old stack of ours. */
type ServerId = Exclude<SupervisedId, 'gateway'>

/** A lone dash belongs to a folder's name ("AI - models"), never to a flag. */
const firstFlag = / --?[A-Za-z]/

/** The program before the first flag, perhaps after its interpreter. `llama serve` is the same server in the combined binary. */
const llamaServerFirst = /(?:^|\/)(?:llama-server|llama serve)$/

/**
 * An absolute path with something like a flag in a folder's name. `tail -f logs/llama-server` looks the same, so a flag that
 * names a model must follow.
 */
const llamaServerInOddFolder =
  /^\/(?:(?! \/).)*\/llama-server(?= ).* (?:-m|--model|-mu|--model-url|-hf|-hfr|--hf-repo|--models-dir)[ =]/

const liteLlmFirst = /(?:^|\/)litellm$/

/**
 * Python, with its own flags before the module or script; ours is opta_litellm.py (litellm-service). A framework Python always
 * shows as .../Python.app/Contents/MacOS/Python, whatever name started it (CPython, Mac/Tools/pythonw.c).
 */
const pythonWithLiteLlm =
  /^(?:\S*\/|\/(?:(?! \/).)*\/)?[Pp]ython[\d.]*(?: -[XW] [^\s/]+| -(?![mcXW])[A-Za-z]+)* (?:-m litellm|(?:[\w./~](?:(?! --?[A-Za-z]| \/).)*\/)?(?:litellm|opta_litellm\.py))(?= |$)/

/** Whether a command line runs this server. Matched as text, because `ps` on macOS joins the words with blanks. */
export const isServerCommand = (id: ServerId, argv: readonly string[]): boolean => {
  const text = argv.join(' ')
  const program = text.split(firstFlag)[0] ?? ''
  return id === 'llamaServer'
    ? llamaServerFirst.test(program) || llamaServerInOddFolder.test(text)
    : liteLlmFirst.test(program) || pythonWithLiteLlm.test(text)
}

/** More than enough: at most screen, login and a shell are above a server. */
const mostAncestors = 8

/** The screen session that a process runs in, as `screen -S` takes it; null when there is none or it is unknown. */
export const readScreenSession = async (run: RunCommand, pid: number): Promise<string | null> => {
  const list = await run(['screen', '-ls'], { timeoutMs: 2_000 })
  const listed = list.kind === 'exited' ? parseScreenList(`${list.stdout}\n${list.stderr}`) : null
  const sessions = (listed ?? []).filter(isLiveSession)
  if (sessions.length === 0) return null
  let current = pid
  for (let depth = 0; depth < mostAncestors && current > 1; depth++) {
    const at = current
    const session = sessions.find((one) => one.pid === at)
    if (session !== undefined) return `${session.pid}.${session.name}`
    const parent = await run(['ps', '-o', 'ppid=', '-p', String(at)], { timeoutMs: 2_000 })
    current = parent.kind === 'exited' ? Number(parent.stdout.trim()) || 0 : 0
  }
  return null
}

export interface ForeignServerTools {
  readonly processes: ProcessTable
  readonly run: RunCommand
}

/** What to do about this owner of our port, as the end of a sentence; null when it is not this server. */
export const describeForeignServer = async (
  id: ServerId,
  owner: ForeignProcess,
  { processes, run }: ForeignServerTools,
): Promise<string | null> => {
  const argv = owner.pid === null ? null : await processes.readArgv(owner.pid)
  if (owner.pid === null || argv === null || !isServerCommand(id, argv)) return null
  const session = await readScreenSession(run, owner.pid)
  const where =
    session === null
      ? ''
      : `it runs in the screen session ${session}, as the old start script leaves it (screen -S ${session} -X quit); `
  return `${where}nexus up --replace-foreign ends it and starts ours`
}

export interface EndForeignOptions {
  readonly id: ServerId
  readonly port: number
  readonly processes: ProcessTable
  readonly waitMs: number
  readonly signal?: (pid: number) => void
}

/** How often to check for the end: LiteLLM lets open streams finish first, llama-server frees its memory. */
const lookMs = 100

/**
 * Sends SIGTERM to the server on this port, if its command line shows that it is one, and waits for it to end. Checks its
 * identity again right before the signal; signals nothing else and never sends SIGKILL.
 * @returns why the port is still taken; null when it is free
 */
export const endForeignServer = async (options: EndForeignOptions): Promise<string | null> => {
  const { id, port, processes, waitMs } = options
  const owner = await processes.readPortOwner(port)
  if (owner === null) return null
  if (owner.pid === null) return `port ${port} is held by a process that this user may not look at`
  const identity = await processes.readIdentity(owner.pid)
  if (identity === null) return null
  const argv = await processes.readArgv(owner.pid)
  const name = id === 'llamaServer' ? 'llama-server' : 'LiteLLM'
  if (argv === null || !isServerCommand(id, argv))
    return `port ${port} is held by ${owner.command ?? `pid ${owner.pid}`}, which is not ${name}: it is left alone`
  if (!(await isSameProcess(identity, processes))) return null
  try {
    const signal = options.signal ?? ((pid: number) => process.kill(pid, 'SIGTERM'))
    signal(owner.pid)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return null
    return `the ${name} on port ${port} (pid ${owner.pid}) belongs to ${owner.user ?? 'another user'}; only that user can end it`
  }
  const deadline = Date.now() + waitMs
  const life = createLifeLook(identity, processes)
  while (await life.isAlive()) {
    if (Date.now() > deadline)
      return `the ${name} on port ${port} (pid ${owner.pid}) did not end within ${Math.round(waitMs / 1000)} s of SIGTERM`
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
  return null
}
