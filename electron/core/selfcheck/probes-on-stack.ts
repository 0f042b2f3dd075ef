// Probes on the real AI Engine and Router: a demo stack with its own state folder and ports.
import { join } from 'node:path'
import { askHttp } from '../base/http-ask.ts'
import { readRegularFile } from '../base/regular-file.ts'
import { attachAsGuest } from '../control/guests/attach-as-guest.ts'
import { runsArgv } from '../platform/platform.ts'
import { proveEndToEnd } from '../stack/proof.ts'
import { identityOf, openLedger } from '../supervise/ledger.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import type { PrivateStack, SelfcheckContext } from './context.ts'
import { type Finding, fail, notApplicable, type Probe, type ProbeTools, pass } from './probe.ts'

const setUpLimitMs = 20 * 60_000
const startLimitMs = 75_000
const promptLimitMs = 60_000
const quickMs = 15_000
const model = 'claude-sonnet-4-5'

interface Endpoints {
  readonly stack: PrivateStack
  readonly router: string
  readonly engine: string
}

export const probesOnStack = (context: SelfcheckContext): readonly Probe[] => {
  let setUp: 'done' | 'failed' = 'failed'
  let started: Endpoints | null = null
  const onStack = (
    probe: Omit<Probe, 'group' | 'run'>,
    work: (endpoints: Endpoints, tools: ProbeTools) => Promise<Finding>,
  ): Probe => ({
    ...probe,
    group: 'AI Engine and Router',
    run: async (tools) =>
      started === null ? notApplicable('the demo stack did not start') : work(started, tools),
  })
  return [
    {
      id: 'stack.set-up',
      group: 'AI Engine and Router',
      assumed: 'everything the demo stack needs is installed or can be',
      limitMs: setUpLimitMs,
      isUntimed: true,
      run: async ({ signal }) => {
        await context.ensureSetUp(signal)
        setUp = 'done'
        return pass(`in ${context.runtimeDir}`)
      },
    },
    {
      id: 'stack.start',
      group: 'AI Engine and Router',
      assumed:
        'llama-server, LiteLLM and the RAM disk start alongside a running stack, and an Anthropic message is answered',
      limitMs: startLimitMs,
      run: async (tools) => {
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
    },
    onStack(
      {
        id: 'stack.message',
        assumed: 'the model answers another Anthropic message',
        limitMs: promptLimitMs,
      },
      async ({ stack, router }, { signal }) => {
        const answer = await proveEndToEnd({
          baseUrl: router,
          apiKey: readKey(stack),
          model,
          signal,
          timeoutMs: promptLimitMs,
        })
        return pass(`${answer.outputTokens} tokens after ${Math.round(answer.milliseconds)} ms`)
      },
    ),
    onStack(
      {
        id: 'stack.long-prompt',
        assumed: longPrompts[context.platformId].assumed,
        limitMs: promptLimitMs,
      },
      async ({ stack, router }, { signal }) => {
        const began = performance.now()
        const { status, text } = await askHttp(`${router}/v1/messages`, {
          method: 'POST',
          maxBytes: 1_048_576,
          signal,
          headers: {
            'content-type': 'application/json',
            'x-api-key': readKey(stack),
            'anthropic-version': '2023-06-01',
          },
          body: JSON.stringify({
            model,
            max_tokens: 8,
            messages: [{ role: 'user', content: writeLongPrompt(longPrompts[context.platformId].lines) }],
          }),
        })
        const tokens = Number(/"input_tokens":\s*(\d+)/.exec(text ?? '')?.[1] ?? Number.NaN)
        const seconds = (performance.now() - began) / 1000
        if (status !== 200) return fail(`status ${status}: ${(text ?? '').slice(0, 300)}`)
        return pass(
          `${Number.isNaN(tokens) ? 'an unknown number of' : tokens} tokens in ${seconds.toFixed(1)} s`,
        )
      },
    ),
    onStack(
      {
        id: 'stack.no-key',
        assumed: 'without a key or with a wrong key, Router and AI Engine answer 401',
        limitMs: quickMs,
      },
      async ({ router, engine }, { signal }) => {
        const ask = async (url: string, headers: Readonly<Record<string, string>>, body?: string) =>
          (
            await askHttp(url, {
              method: body === undefined ? 'GET' : 'POST',
              maxBytes: 1_048_576,
              signal,
              headers: { 'content-type': 'application/json', ...headers },
              ...(body === undefined ? {} : { body }),
            })
          ).status
        const message = JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: 'x' }] })
        const statuses = [
          await ask(`${router}/v1/messages`, {}, message),
          await ask(`${router}/v1/messages`, { 'x-api-key': 'sk-selfcheck-wrong-key' }, message),
          await ask(`${engine}/slots`, {}),
        ]
        const said = `Router without a key ${statuses[0]}, with a wrong one ${statuses[1]}; AI Engine ${statuses[2]}`
        return statuses.every((status) => status === 401) ? pass(said) : fail(said)
      },
    ),
    onStack(
      {
        id: 'stack.processes',
        assumed:
          "ps shows llama-server and LiteLLM as they were started, and they own their ports (a framework's Python re-executes itself under another name)",
        limitMs: quickMs,
      },
      async ({ stack, router, engine }, { run }) => {
        const { processes } = context.createPlatform(run)
        const ledger = openLedger(stack.folder.ledgerPath)
        const faults: string[] = []
        for (const [id, url] of [
          ['llamaServer', engine],
          ['proxy', router],
        ] as const) {
          const entry = ledger.find(id)
          if (entry === null) {
            faults.push(`${id} is not in the ledger`)
            continue
          }
          if (!(await isSameProcess(identityOf(entry), processes)))
            faults.push(`${id} (${entry.pid}) has another identity than recorded`)
          const argv = await processes.readArgv(entry.pid)
          if (argv === null || !runsArgv(argv, entry.argv))
            faults.push(`${id} was started as ${entry.argv.join(' ')}, and runs as ${argv?.join(' ')}`)
          const owner = await processes.readPortOwner(Number(new URL(url).port))
          if (owner?.pid !== entry.pid)
            faults.push(`the port of ${id} (${entry.pid}) is owned by ${JSON.stringify(owner)}`)
        }
        return faults.length === 0
          ? pass('both, by identity, command line and port')
          : fail(faults.join('; '))
      },
    ),
    onStack(
      { id: 'stack.control-socket', assumed: 'the core answers over its socket', limitMs: quickMs },
      async ({ stack }) => {
        const snapshot = await stack.client.readSnapshot()
        return snapshot.overall === 'ready'
          ? pass(`a snapshot, ready, with ${snapshot.slots?.length ?? 'unknown'} slots`)
          : fail(`the stack is ${snapshot.overall}`)
      },
    ),
    onStack(
      {
        id: 'stack.guest-socket',
        assumed:
          'the socket for other users exists, shows the stack, and refuses to eject the RAM disk for a guest',
        limitMs: quickMs,
      },
      async ({ stack }, tools) => {
        const client = await attachAsGuest(stack.folder.sharedDir)
        if (client === null) return fail('no core answers')
        tools.defer({
          what: 'a connection to the demo core',
          command: 'it ends with this process',
          undo: async () => client.close(),
        })
        const snapshot = await client.readSnapshot()
        const outcome = await client.dispatch({
          type: 'stop',
          only: 'ramDisk',
          eject: true,
          now: true,
          force: false,
        })
        return outcome.accepted
          ? fail(`guest ${client.user} was allowed to eject the RAM disk`)
          : pass(`${snapshot.overall}; refused: ${outcome.reason}`)
      },
    ),
    {
      id: 'stack.stop',
      group: 'AI Engine and Router',
      assumed: 'the demo stack stops, and none of its processes remain',
      limitMs: 45_000,
      run: async ({ run }) => {
        if (started === null) return notApplicable('the demo stack did not start')
        const { stack } = started
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
      },
    },
  ]
}

/** The key that the core uses for its own proof. */
const readKey = ({ folder }: PrivateStack): string =>
  readRegularFile(join(folder.keysDir, 'proof.key')).trim()

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
