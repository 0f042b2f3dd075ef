// Runs the real Traefik on a configuration, and speaks to one as a client that knows the name.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** A POST with the name in its Host header; no look-up of it is needed. */
export type PostByName = (
  path: string,
  body: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<{ readonly request: ClientRequest; readonly answer: IncomingMessage }>

export const postByName =
  (port: number): PostByName =>
  (path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port,
          path,
          method: 'POST',
          agent: false,
          headers: { host: 'ai.opta.local', 'content-type': 'application/json', ...headers },
        },
        (answer) => resolve({ request: outgoing, answer }),
      )
      outgoing.once('error', reject)
      outgoing.end(body)
    })

export interface TraefikUnderTest {
  readonly post: PostByName
  stop(): Promise<void>
}

/** Throws with Traefik's own words when it ends instead of serving. */
export const startTraefik = async (
  program: string,
  configFile: string,
  port: number,
): Promise<TraefikUnderTest> => {
  const child: ChildProcess = spawn(program, [`--configFile=${configFile}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece) => {
      said += String(piece)
    })
  const post = postByName(port)
  // It opens its port before its files are read, and says neither: asked until its rule answers.
  for (const deadline = Date.now() + 20_000; ; await sleep(50)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`Traefik does not serve: ${said}`)
    }
    const status = await post('/health/liveliness', '{}').then(
      ({ request: sent, answer }) => {
        sent.destroy()
        return answer.statusCode
      },
      () => null,
    )
    if (status !== null && status !== 404) break
  }
  return {
    post,
    stop: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
