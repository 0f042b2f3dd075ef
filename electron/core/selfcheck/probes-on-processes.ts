// Probes on harmless processes and ports of their own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Platform, ProcessIdentity } from '../platform/platform.ts'
import { runsArgv } from '../platform/platform.ts'
import { type RunCommand, stdoutOf } from '../platform/run-command.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, inGroup, judged, notApplicable, type Probe, type ProbeTools, pass } from './probe.ts'
import { endSleepers, sleepSeconds, starterScript } from './sleeping-child.ts'

const probe = inGroup('Processes and ports')

export const probesOnProcesses = (context: SelfcheckContext): readonly Probe[] => [
  probe(
    'processes.identity',
    'a process has a stable identity, and its command line can be read',
    async ({ run }) => {
      const { processes } = context.createPlatform(run)
      const first = await processes.readIdentity(process.pid)
      const second = await processes.readIdentity(process.pid)
      const argv = await processes.readArgv(process.pid)
      if (first === null || second === null || argv === null)
        return fail(`of our own process: identity ${JSON.stringify(first)}, argv ${JSON.stringify(argv)}`)
      if (first.startedAt !== second.startedAt)
        return fail(`its start was ${first.startedAt}, then ${second.startedAt}`)
      const expected = process.argv.slice(1)
      return runsArgv(argv, expected)
        ? pass(`started at ${first.startedAt}, ${argv.length} arguments`)
        : fail(`argv is ${argv.join(' ')}, which does not end in ${expected.join(' ')}`)
    },
  ),
  probe(
    'processes.outlives',
    "a child in its own session survives when its starter exits, or its starter's group gets SIGTERM or SIGKILL",
    async (tools) => {
      const platform = context.createPlatform(tools.run)
      const ended: string[] = []
      for (const how of starterEnds) {
        const child = await startThroughStarter(how, context.nodePath, platform, tools)
        if (!(await isSameProcess(child, platform.processes))) ended.push(how)
      }
      return ended.length === 0
        ? pass(`it survived ${starterEnds.join(', ')}`)
        : fail(`it ended with its starter after ${ended.join(', ')}`)
    },
  ),
  probe(
    'ports.own',
    'the listener on our port is found by pid, and none after it is closed',
    async (tools) => {
      const { processes } = context.createPlatform(tools.run)
      const server = createServer().listen(0, '127.0.0.1')
      tools.defer({
        what: 'a listening socket of this process',
        command: 'it ends with this process',
        undo: async () => void server.close(),
      })
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const owner = await processes.readPortOwner(port)
      if (owner?.pid !== process.pid) return fail(`port ${port} is ours, found ${JSON.stringify(owner)}`)
      server.close()
      await once(server, 'close')
      const after = await processes.readPortOwner(port)
      return judged(after === null, `found pid ${process.pid}, then ${JSON.stringify(after)}`)
    },
  ),
  probe(
    'ports.all',
    'every listening port is seen as taken, even if its process belongs to another user',
    async ({ run, signal }) => {
      const { processes } = context.createPlatform(run)
      const ports = (await readListeningPorts(context.platformId, run)).slice(0, mostPorts)
      if (ports.length === 0) return notApplicable('nothing listens on this machine')
      const unseen: number[] = []
      for (const port of ports) {
        signal.throwIfAborted()
        if ((await processes.readPortOwner(port)) === null) unseen.push(port)
      }
      // Ports that were closed meanwhile don't count.
      const open = new Set(await readListeningPorts(context.platformId, run))
      const missed = unseen.filter((port) => open.has(port))
      return judged(missed.length === 0, `${ports.length} ports`, `; seen as free: ${missed.join(', ')}`)
    },
  ),
]

/** Each port costs an lsof, which takes a large part of a second on a busy Mac. */
const mostPorts = 8

const readListeningPorts = async (
  platform: 'darwin' | 'linux',
  run: RunCommand,
): Promise<readonly number[]> => {
  const text = stdoutOf(
    await run(platform === 'darwin' ? ['netstat', '-an', '-p', 'tcp'] : ['cat', '/proc/net/tcp']),
  )
  const found =
    platform === 'darwin'
      ? [...text.matchAll(/^tcp\S*\s+\d+\s+\d+\s+\S*\.(\d+)\s.*LISTEN\s*$/gm)].map(([, port]) => Number(port))
      : // The state 0A is TCP_LISTEN (include/net/tcp_states.h).
        [...text.matchAll(/^\s*\d+: [0-9A-F]{8}:([0-9A-F]{4}) \S+ 0A /gm)].map(([, port]) =>
          Number.parseInt(port ?? '', 16),
        )
  return [...new Set(found)]
}

const starterEnds = ['exit', 'SIGTERM', 'SIGKILL'] as const

const startThroughStarter = async (
  how: (typeof starterEnds)[number],
  nodePath: string,
  platform: Platform,
  tools: ProbeTools,
): Promise<ProcessIdentity> => {
  const starter = spawn(nodePath, ['-e', starterScript, String(sleepSeconds), how], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: '/',
  })
  const exited = once(starter, 'exit')
  tools.defer({
    what: `the starting process ${starter.pid ?? ''}`,
    command: `kill ${starter.pid ?? ''}`,
    undo: async () => {
      if (starter.exitCode === null && starter.signalCode === null) starter.kill('SIGKILL')
    },
  })
  const [data] = await once(starter.stdout, 'data', { signal: tools.signal })
  const pid = Number(String(data).trim())
  const identity = await platform.processes.readIdentity(pid).catch((error: unknown) => {
    // Without ps it could not be identified later. Its starter just printed this pid, so it still is the child.
    process.kill(pid, 'SIGKILL')
    throw error
  })
  tools.defer({
    what: `the process ${pid} (sleep ${sleepSeconds})`,
    command: `kill ${pid}`,
    undo: () => endSleepers([pid], platform.processes),
  })
  if (identity === null) throw new Error(`the child ${pid} of the starter is not in the process table`)
  // To the starter's group, like a closing terminal; the child has its own group.
  if (how !== 'exit' && starter.pid !== undefined) process.kill(-starter.pid, how)
  await exited
  return identity
}
