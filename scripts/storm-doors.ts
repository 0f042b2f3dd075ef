// Hostile inputs through every interface of a running core, in groups. After each group the core must still answer its owner,
// and no response, log or output may contain a key or a control character.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { sampleSnapshot } from '../electron/contract/test-support/sample-snapshot.ts'
import { messageOf } from '../electron/core/base/error-message.ts'
import { within } from '../electron/core/base/first-of.ts'
import { parseJsonOrNull } from '../electron/core/base/json-record.ts'
import { sharedSocketName } from '../electron/core/control/guests/shared-socket.ts'
import { ResponseSchema } from '../electron/core/control/protocol.ts'
import { behaveAt } from '../electron/core/supervise/test-support/stand-in.ts'
import { countDescriptors, readResidentBytes } from './processes.ts'
import { startCommand } from './storm-actions.ts'
import { takeCensus } from './storm-census.ts'
import { findFault, hostileJson, hostileText } from './storm-inputs.ts'
import { onOwnStack, type StormPart, type Traces } from './storm-part.ts'
import { allRequests, floodAsGuests } from './storm-requests.ts'
import samples from './storm-samples.json' with { type: 'json' }
import { createStormStack, type StormStack } from './storm-stack.ts'

interface Door {
  readonly name: string
  /** Absent: it takes none, and is tried once. */
  readonly inputs?: fc.Arbitrary<string>
  /** Inputs at a time; absent: one. */
  readonly groupSize?: number
  readonly run: (inputs: readonly string[]) => Promise<void>
}

/** The promise to the owner is an answer in 0.5 s; this machine may be busy otherwise too. */
const ownerMs = 2_000
/** Promised (issue 12): a core under any flood stays under 150 MB. */
const mostCoreBytes = 150 * 1_048_576
const mostNewDescriptors = 10
/** The profiles' own key, which must never be shown. */
const hiddenKey = samples.files['profile file'].proxy.clientKey

const refuse = (sentences: readonly string[]): void => {
  if (sentences.length > 0) throw new Error(sentences.join('\n  '))
}

/** Sends bytes; returns the response until the other end hangs up or is silent for `quietMs`. */
const exchange = (
  where: { readonly path: string } | { readonly port: number },
  bytes: string,
  quietMs = 100,
): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', ...where })
    let said = ''
    const end = () => {
      socket.destroy()
      resolve(said)
    }
    socket.setTimeout(quietMs, end)
    socket.on('data', (piece) => {
      said += String(piece)
      // A watched core never stops sending.
      if (said.length > 4_000_000) end()
    })
    socket.on('error', end)
    socket.on('close', end)
    socket.write(bytes)
  })

const judgeResponses = (said: string): readonly string[] =>
  said
    .split('\n')
    .slice(0, -1)
    .filter((line) => !ResponseSchema.safeParse(parseJsonOrNull(line)).success)
    .map((line) => `the core answered ${line.slice(0, 300)}`)

/** Requests, one to a line: half of them as they are, half hostile. */
const linesOf = (requests: readonly object[]): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom(...requests.map((each) => JSON.stringify(each))),
      fc.oneof(...requests.map(hostileJson)),
    )
    .map((text) => `${text.replaceAll('\n', ' ')}\n`)

const doorsOf = (
  stack: StormStack,
  traces: Traces,
  floodMs: number,
  judgeCore: () => Promise<void>,
): readonly Door[] => {
  const guestPath = join(stack.sharedDir, sharedSocketName(process.getuid?.() ?? 0))
  const keyList = join(stack.folder.keysDir, 'clients.json')
  const goodConfig = readFileSync(stack.folder.configPath, 'utf8')
  const printed = async (...words: string[]) => {
    const { code, output } = await stack.nexus(words)
    if (code === null) throw new Error(`nexus ${words.join(' ').slice(0, 100)} did not end within 60 s`)
    refuse(traces.find(output, `nexus ${words[0]} printed`))
    if (output.includes(hiddenKey)) throw new Error(`nexus ${words[0]} printed a key of the profile`)
  }
  return [
    {
      name: 'control socket',
      inputs: linesOf(allRequests),
      groupSize: 20,
      run: async (lines) =>
        refuse(judgeResponses(await exchange({ path: stack.folder.socketPath }, lines.join('')))),
    },
    {
      name: 'guest socket',
      inputs: linesOf(allRequests),
      groupSize: 20,
      run: async (lines) => {
        const read = () => [keyList, stack.folder.configPath].map((path) => readFileSync(path, 'utf8')).join()
        const before = read()
        const said = await exchange({ path: guestPath }, lines.join(''))
        refuse([...judgeResponses(said), ...traces.findKeys(said, 'a guest was told')])
        if (read() !== before) throw new Error('a guest changed the list of keys or the config')
      },
    },
    {
      name: 'a flood of guests',
      run: async () => {
        const end = floodAsGuests(guestPath)
        try {
          for (const began = performance.now(); performance.now() - began < floodMs; await sleep(100))
            await judgeCore()
        } finally {
          end()
        }
      },
    },
    {
      name: 'metrics port',
      inputs: hostileText(
        `GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:${stack.metricsPort}\r\nconnection: close\r\n\r\n`,
        'POST /metrics HTTP/1.1\r\nhost: evil.example\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n',
      ),
      groupSize: 5,
      run: async (texts) => {
        const said = await Promise.all(texts.map((each) => exchange({ port: stack.metricsPort }, each)))
        refuse(said.flatMap((each) => traces.find(each, 'the metrics port told')))
      },
    },
    ...(['/slots', '/metrics', '/props', '/health', '/v1/models'] as const).map(
      (path): Door => ({
        name: `llama-server's ${path}`,
        inputs: fc.oneof(
          hostileJson(samples.documents['/slots']),
          hostileText(...samples.texts['/metrics']),
          hostileJson({ error: { code: 500, message: '\u001b[2J', type: 'server_error' }, status: 'ok' }),
        ),
        groupSize: 5,
        run: async (bodies) => {
          for (const [index, text] of bodies.entries()) {
            const behaviour = index % 2 === 0 ? 'text' : 'status'
            await behaveAt(stack.engineUrl, path, { behaviour, status: 500, text, times: 3 })
            await stack.readSnapshot()
          }
          await behaveAt(stack.engineUrl, path, { behaviour: 'well' })
        },
      }),
    ),
    {
      name: 'the log of llama-server',
      inputs: hostileText(...samples.texts['llama-server log line'], ...samples.texts['llama-server exit']),
      groupSize: 20,
      run: async (texts) => {
        appendFileSync(stack.folder.logPath('llamaServer'), texts.join('\n').concat('\n'))
        await printed('logs', 'llamaServer', '--lines', '100')
      },
    },
    {
      name: 'config.json',
      inputs: hostileJson(samples.files['config.json']),
      groupSize: 2,
      run: async (texts) => {
        try {
          for (const each of texts) {
            writeFileSync(stack.folder.configPath, each)
            const answer = await stack.withCore((core) => core.ask({ type: 'settings' }).catch(messageOf))
            if (JSON.stringify(answer).includes(hiddenKey)) throw new Error('the settings show a key')
          }
          await printed('plan')
        } finally {
          writeFileSync(stack.folder.configPath, goodConfig)
        }
      },
    },
    {
      name: 'nexus with a profile file',
      inputs: hostileJson(samples.files['profile file']),
      run: async ([text = '']) => {
        const path = join(stack.home, 'hostile.json')
        writeFileSync(path, text)
        await printed('plan', '--profile', path)
      },
    },
    {
      name: 'nexus with hostile words',
      inputs: hostileText('--profile mine', 'llamaServer', '--lines 20', 'x', '--only\u001b[2J'),
      groupSize: 3,
      run: async (words) => {
        const clean = words.map((word) => word.replaceAll('\0', '').slice(0, 10_000))
        // Only read-only commands, so that no words can start or stop anything.
        await printed('logs', ...clean)
        await printed('status', ...clean.slice(0, 1))
      },
    },
    {
      name: 'nexus at a core that lies',
      inputs: hostileText(
        'a reason',
        'anna',
        '/Users/anna/model \u001b]52;c;ZXZpbA==\u0007',
        'http://127.0.0.1:4000',
      ),
      groupSize: 3,
      run: async (texts) => {
        // A guest's `nexus` meets another user's core, which may send anything.
        const home = join(stack.home, 'guest')
        mkdirSync(home, { recursive: true, mode: 0o700 })
        const snapshot = lyingSnapshot(texts)
        const server = createServer((socket) =>
          socket
            .on('error', () => {})
            .on('data', (request) => {
              const [line = ''] = String(request).split('\n')
              const { id } = JSON.parse(line)
              socket.write(`${JSON.stringify({ kind: 'snapshot', id, snapshot })}\n`)
            }),
        ).listen(join(home, 'control.sock'))
        try {
          const { code, output } = await stack.nexus(['status'], 30_000, { NEXUS_HOME: home })
          if (code === null) throw new Error('nexus status waits for a core that lies')
          refuse(traces.find(output, 'nexus status printed'))
        } finally {
          server.close()
        }
      },
    },
    {
      name: 'nexus after all of it',
      run: async () => {
        await printed('status')
        await printed('doctor')
        await printed('logs', 'core', '--lines', '500')
      },
    },
  ]
}

/** Valid, with these texts in every text field. */
const lyingSnapshot = ([a = '', b = '', c = '']: readonly string[]): Snapshot => {
  const service = { ...sampleSnapshot.services.proxy, reason: a, endpoint: b, waitingFor: c }
  return {
    ...sampleSnapshot,
    profile: a,
    overall: 'failed',
    proofFailure: b,
    services: {
      ramDisk: service,
      llamaServer: { ...service, phase: 'failed', foreign: { pid: 5, command: c, user: a } },
      proxy: { ...service, phase: 'degraded' },
    },
    events: [{ at: 1_700_000_000_000, severity: 'critical', service: null, text: b }],
    notices: [
      {
        id: a,
        since: 1_700_000_000_000,
        severity: 'warning',
        title: b,
        body: c,
        view: { id: 'glance', service: null },
        raise: true,
      },
    ],
    setUp: { missing: [{ id: 'litellm', text: a }], running: null, failure: c },
  }
}

export const stormDoors = async (
  { root, seed, size, signal, only, fail }: StormPart,
  inputs: number,
): Promise<{ readonly inputs: number; readonly figures: string }> => {
  const stack = await createStormStack(root)
  let given = 0
  let figures = 'none'
  await onOwnStack(stack, fail, async (traces) => {
    await stack.startCore()
    await stack.withCore((core) => core.dispatch(startCommand))
    await stack.until(({ overall }) => overall === 'ready', AbortSignal.timeout(30_000))
    const core = takeCensus(stack).cores[0] ?? 0
    const descriptors = countDescriptors(core)
    const deadline = performance.now() + size.doorsMs
    let peakBytes = 0
    let slowestMs = 0
    const judgeCore = async () => {
      slowestMs = Math.max(slowestMs, await askAsOwner(stack, core))
      peakBytes = Math.max(peakBytes, readResidentBytes(core))
      if (peakBytes > mostCoreBytes) throw new Error(`the core has ${Math.round(peakBytes / 1_048_576)} MB`)
    }
    const doors = doorsOf(stack, traces, size.floodMs, judgeCore).filter(
      ({ name }) => only === null || name === only,
    )
    for (const [index, door] of doors.entries()) {
      const { groupSize = 1, inputs: drawn = fc.constant('') } = door
      // Unused time of one goes to the others.
      const endsAt = performance.now() + (deadline - performance.now()) / (doors.length - index)
      let groups = 0
      const fault = await findFault(
        fc.array(drawn, { minLength: groupSize, maxLength: groupSize }),
        async (group) => {
          signal.throwIfAborted()
          // Each gets one group; fast-check's own limit would leave that group's work running.
          if (groups > 0 && performance.now() > endsAt) return
          groups += 1
          given += group.length
          await door.run(group)
          await judgeCore()
        },
        {
          seed,
          numRuns: door.inputs === undefined ? 1 : Math.max(2, Math.ceil(inputs / doors.length / groupSize)),
          // Shrinking runs on the same core; a few steps are enough.
          endOnFailure: true,
        },
      )
      if (signal.aborted) break
      if (fault !== null) fail(door.name, door.name, fault)
    }
    await sleep(1_000)
    const more = countDescriptors(core) - descriptors
    if (more > mostNewDescriptors) fail(null, 'file descriptors', `the core has ${more} more`)
    figures = `owner answered within ${Math.round(slowestMs)} ms, core at most ${Math.round(peakBytes / 1_048_576)} MB, ${more} more descriptors`
  })
  return { inputs: given, figures }
}

/** ms until the owner gets a snapshot; throws when that takes too long or another core answers. */
const askAsOwner = async (stack: StormStack, core: number): Promise<number> => {
  const began = performance.now()
  const snapshot = await within(stack.readSnapshot(), ownerMs)
  if (snapshot === null) throw new Error(`the owner waits for over ${ownerMs / 1000} s`)
  if (snapshot.owner.pid !== core) throw new Error(`core ${core} is gone`)
  return performance.now() - began
}
