// Probes on the real AI Engine and Router: a demo stack with its own state folder and ports.
import { join } from 'node:path'
import { askHttp } from '../base/http-ask.ts'
import { readRegularFile } from '../base/regular-file.ts'
import { attachAsGuest } from '../control/guests/shared-folder.ts'
import { type ProcessTable, runsArgv } from '../platform/platform.ts'
import { identityOf, type LedgerEntry, openLedger } from '../supervise/ledger.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import type { PrivateStack, SelfcheckContext } from './context.ts'
import {
  type Finding,
  fail,
  inGroup,
  judged,
  notApplicable,
  type Probe,
  type ProbeTools,
  pass,
} from './probe.ts'

const probe = inGroup('AI Engine and Router')
const setUpLimitMs = 20 * 60_000
const startLimitMs = 75_000
const promptLimitMs = 60_000
const stopLimitMs = 45_000
const model = 'claude-sonnet-4-5'

interface Endpoints {
  readonly stack: PrivateStack
  readonly router: string
  readonly engine: string
}

export const probesOnStack = (context: SelfcheckContext): readonly Probe[] => {
  let setUp: 'done' | 'failed' = 'failed'
  let started: Endpoints | null = null
  const onStack =
    (work: (endpoints: Endpoints, tools: ProbeTools) => Promise<Finding>): Probe['run'] =>
    async (tools) =>
      started === null ? notApplicable('the demo stack did not start') : work(started, tools)
  return [
    probe(
      'stack.set-up',
      'everything the demo stack needs is installed or can be',
      async ({ signal }) => {
        await context.ensureSetUp(signal)
        setUp = 'done'
        return pass(`in ${context.runtimeDir}`)
      },
      { limitMs: setUpLimitMs, isUntimed: true },
    ),
    probe(
      'stack.start',
      'llama-server, LiteLLM and the RAM disk start alongside a running stack, and an Anthropic message is answered',
      async (tools) => {
        if (setUp === 'failed') return notApplicable('set-up failed')
        const began = performance.now()
        const opening = context.openStack(tools.signal)
        tools.deferToEnd({
          what: 'the demo stack',
          command: `NEXUS_HOME=${join(context.workDir, 'stack')} nexus down --now --eject --force`,
          undo: async () => {
            const left = await opening.then((stack) => stack.end()).catch(() => null)
            started = null
            if (left !== null) throw new Error(left)
          },
        })
        const stack = await opening
        const { proxy, llamaServer } = stack.snapshot.services
        if (proxy.endpoint === null || llamaServer.endpoint === null)
          return fail('it is ready, but its endpoints are unknown')
        started = { stack, router: proxy.endpoint, engine: llamaServer.endpoint }
        const seconds = ((performance.now() - began) / 1000).toFixed(1)
        return pass(
          `ready and proved after ${seconds} s, RAM disk ${stack.snapshot.ramDisk?.kind ?? 'unknown'}`,
        )
      },
      { limitMs: startLimitMs },
    ),
    probe(
      'stack.long-prompt',
      longPrompts[context.platformId].assumed,
      onStack(async ({ stack, router }, { signal }) => {
        const began = performance.now()
        const key = readRegularFile(join(stack.folder.keysDir, proofKeyFile)).trim()
        const prompt = writeLongPrompt(longPrompts[context.platformId].lines)
        const { status, text } = await sendMessage(router, key, prompt, signal)
        const tokens = /"input_tokens":\s*(\d+)/.exec(text ?? '')?.[1] ?? 'an unknown number of'
        const seconds = (performance.now() - began) / 1000
        return status === 200
          ? pass(`${tokens} tokens in ${seconds.toFixed(1)} s`)
          : fail(`status ${status}: ${(text ?? '').slice(0, 300)}`)
      }),
      { limitMs: promptLimitMs },
    ),
    probe(
      'stack.no-key',
      'without a key or with a wrong key, Router and AI Engine answer 401',
      onStack(async ({ router, engine }, { signal }) => {
        const without = await sendMessage(router, null, 'x', signal)
        const wrong = await sendMessage(router, 'sk-selfcheck-wrong-key', 'x', signal)
        const slots = await askHttp(`${engine}/slots`, { maxBytes, signal })
        return judged(
          [without, wrong, slots].every(({ status }) => status === 401),
          `Router without a key ${without.status}, with a wrong one ${wrong.status}; AI Engine ${slots.status}`,
        )
      }),
    ),
    probe(
      'stack.processes',
      "ps shows llama-server and LiteLLM as they were started, and they own their ports (a framework's Python re-executes itself under another name)",
      onStack(async ({ stack, router, engine }, { run }) => {
        const { processes } = context.createPlatform(run)
        const ledger = openLedger(stack.folder.ledgerPath)
        const faults = [
          ...(await listFaults('llamaServer', ledger.find('llamaServer'), engine, processes)),
          ...(await listFaults('proxy', ledger.find('proxy'), router, processes)),
        ]
        return faults.length === 0
          ? pass('both, by identity, command line and port')
          : fail(faults.join('; '))
      }),
    ),
    probe(
      'stack.guest-socket',
      'the socket for other users exists, shows the stack, and refuses to eject the RAM disk for a guest',
      onStack(async ({ stack }, tools) => {
        const client = await attachAsGuest(stack.folder.sharedDir)
        if (client === null) return fail('no core answers')
        tools.defer({
          what: 'a connection to the demo core',
          command: 'it ends with this process',
          undo: async () => client.close(),
        })
        const { overall } = await client.readSnapshot()
        const eject = { type: 'stop', only: 'ramDisk', eject: true, now: true, force: false } as const
        const outcome = await client.dispatch(eject)
        return outcome.accepted
          ? fail(`guest ${client.user} was allowed to eject the RAM disk`)
          : judged(overall === 'ready', `${overall}; refused: ${outcome.reason}`)
      }),
    ),
    probe(
      'stack.stop',
      'the demo stack stops, and none of its processes remain',
      onStack(async ({ stack }, { run }) => {
        const ledger = openLedger(stack.folder.ledgerPath)
        const entries = (['llamaServer', 'proxy'] as const).flatMap((id) => ledger.find(id) ?? [])
        const left = await stack.end()
        started = null
        if (left !== null) return fail(left)
        const { processes } = context.createPlatform(run)
        const alive: number[] = []
        for (const entry of entries)
          if (await isSameProcess(identityOf(entry), processes)) alive.push(entry.pid)
        return alive.length === 0
          ? pass(`${entries.length} processes are gone`)
          : fail(`still running: ${alive.join(', ')}`)
      }),
      { limitMs: stopLimitMs },
    ),
  ]
}

/** How a server differs from its entry in the ledger. */
const listFaults = async (
  id: string,
  entry: LedgerEntry | null,
  url: string,
  processes: ProcessTable,
): Promise<readonly string[]> => {
  if (entry === null) return [`${id} is not in the ledger`]
  const argv = await processes.readArgv(entry.pid)
  const owner = await processes.readPortOwner(Number(new URL(url).port))
  return [
    ...((await isSameProcess(identityOf(entry), processes))
      ? []
      : [`${id} (${entry.pid}) has another identity than recorded`]),
    ...(argv !== null && runsArgv(argv, entry.argv)
      ? []
      : [`${id} was started as ${entry.argv.join(' ')}, and runs as ${argv?.join(' ')}`]),
    ...(owner?.pid === entry.pid
      ? []
      : [`the port of ${id} (${entry.pid}) is owned by ${JSON.stringify(owner)}`]),
  ]
}

const maxBytes = 1_048_576

const sendMessage = (router: string, key: string | null, prompt: string, signal: AbortSignal) =>
  askHttp(`${router}/v1/messages`, {
    method: 'POST',
    maxBytes,
    signal,
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      ...(key === null ? {} : { 'x-api-key': key }),
    },
    body: JSON.stringify({ model, max_tokens: 8, messages: [{ role: 'user', content: prompt }] }),
  })

/** The key that the core uses for its own proof. */
const proofKeyFile = 'proof.key'

/** Two processors read 150 to 400 tokens a second (measured), a GPU thousands. A line has about 13 tokens. */
const longPrompts = {
  darwin: {
    lines: 310,
    assumed:
      'a prompt of about 4,000 tokens is read and answered (Metal compiles other kernels for it than for a short prompt)',
  },
  linux: { lines: 80, assumed: 'a prompt of about 1,000 tokens is read and answered' },
} as const

/** Numbered, so the prompt cache cannot reuse any line. */
const writeLongPrompt = (lines: number): string =>
  Array.from({ length: lines }, (_, index) => `Line ${index}: the studio builds and serves.`).join('\n')
