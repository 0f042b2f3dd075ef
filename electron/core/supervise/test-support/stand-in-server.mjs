// Stands in for llama-server (and, started with --litellm, for LiteLLM) in tests, and misbehaves on demand. Not shipped.
//
// Flags: those of the real programs that matter (--host, --port, --api-key-file; others are ignored), --load-ms N (503
// "Loading model" everywhere for N ms), --ready-line (print the port on stdout), --litellm.
// Beside everything that it prints stands its source: a recording of the real program (Linux; llama-server b10434 unless said
// otherwise, LiteLLM 1.106), or "assumed".
// POST /stand-in/behave {path, behaviour, ms?, status?, text?, bytes?, times?} says how a path answers from now on;
// POST /stand-in/set {slots?, metrics?} changes what it tells; GET /stand-in/asked answers what it was asked, by path.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const flag = (name, missing) => {
  const index = process.argv.lastIndexOf(name)
  return index === -1 ? missing : process.argv[index + 1]
}
const has = (name) => process.argv.includes(name)

const isLiteLlm = has('--litellm')
const startedAt = Date.now()
const loadMs = Number(flag('--load-ms', '0'))
const engineKeyFile = flag('--api-key-file', null)
const knownKeys = () => {
  if (isLiteLlm)
    return JSON.parse(readFileSync(process.env.OPTA_CLIENT_KEYS, 'utf8')).keys.map(({ key }) => key)
  return engineKeyFile === null ? null : readFileSync(engineKeyFile, 'utf8').trim().split('\n')
}

const behaviours = new Map()
const asked = {}
let slots = [0, 1].map((id) => ({ id, n_ctx: 4096, speculative: false, is_processing: false }))
let metrics = {
  prompt_tokens_total: 0,
  tokens_predicted_total: 0,
  requests_processing: 0,
  requests_deferred: 0,
}

const say = (response, status, body, type = 'application/json') =>
  response.writeHead(status, { 'content-type': type }).end(body)

/** llama-server's `type` of each status: recorded (401-no-key, 503-loading, slots-disabled-501); 404 and 500: assumed. */
const errorTypes = {
  401: 'authentication_error',
  404: 'not_found_error',
  500: 'server_error',
  501: 'not_supported_error',
  503: 'unavailable_error',
}
const llamaError = (status, message) =>
  JSON.stringify({ error: { message, type: errorTypes[status] ?? 'server_error', code: status } })
/** LiteLLM's own shape (recorded: messages-unknown-model); that of a 401 is our opta_router.py's, here assumed to be the same. */
const liteLlmError = (status, message) =>
  JSON.stringify({ error: { message, type: 'None', param: 'None', code: String(status) } })
const error = (response, status, message) =>
  say(response, status, (isLiteLlm ? liteLlmError : llamaError)(status, message))

/** Gauges in the recording, all others counters. */
const gauges = new Set(['requests_processing', 'requests_deferred', 'n_busy_slots_per_decode'])
// Values are written as given, so that a test can have 2.16578e+06 or NaN there. The HELP lines are left out.
const metricsText = () =>
  Object.entries(metrics)
    .map(
      ([name, value]) =>
        `# TYPE llamacpp:${name} ${gauges.has(name) ? 'gauge' : 'counter'}\nllamacpp:${name} ${value}\n`,
    )
    .join('')

const bodies = isLiteLlm
  ? {
      // Recorded: 1.106-liveliness.json, 1.106-models.json.
      '/health/liveliness': () => `"I'm alive!"`,
      '/v1/models': () =>
        '{"data":[{"id":"claude-3-5-sonnet-20241022","object":"model","created":1677610602,"owned_by":"openai"}],"object":"list"}',
      // Assumed: the fields of Anthropic's API; only the streamed answer was recorded.
      '/v1/messages': () =>
        JSON.stringify({
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'stand-in',
          content: [{ type: 'text', text: 'Hello' }],
          stop_reason: 'max_tokens',
          usage: { input_tokens: 5, output_tokens: 8 },
        }),
    }
  : {
      // Recorded: b10434-health-200.json; -slots-idle-fresh.json unless a test says otherwise; -metrics-after.txt.
      '/health': () => '{"status":"ok"}',
      '/slots': () => JSON.stringify(slots),
      '/metrics': metricsText,
      // Assumed: the field that llama.cpp's tools/server/README.md names.
      '/tokenize': () => '{"tokens":[]}',
    }
const openPaths = new Set(['/health', '/health/liveliness'])

const answerWell = (path, request, response) => {
  const body = bodies[path]
  if (body === undefined) return error(response, 404, isLiteLlm ? 'Not Found' : 'File Not Found')
  const keys = openPaths.has(path) ? null : knownKeys()
  const given = request.headers['x-api-key'] ?? request.headers.authorization?.replace(/^Bearer /, '')
  if (keys !== null && !keys.includes(given)) return error(response, 401, 'Invalid API Key')
  // The type of the metrics is that of the recording.
  say(response, 200, body(), path === '/metrics' ? 'text/plain; version=0.0.4' : 'application/json')
}

/** Promises more than it sends, so that the reader cannot take the piece for the whole. */
const sendHalf = (path, response, then) => {
  const body = bodies[path]()
  response.writeHead(200, { 'content-length': body.length })
  response.write(body.slice(0, body.length / 2), then)
}

/** Endless text in the form the reader expects to go on with, as fast as it is taken. */
const flood = (count, response, bytes) => {
  const piece = Buffer.alloc(65_536, ' ')
  let left = bytes
  response.writeHead(200)
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= piece.length
      count.bytesSent += piece.length
      if (!response.write(piece)) return response.once('drain', more)
    }
    if (left <= 0) response.end()
  }
  more()
}

const misbehave = ({ behaviour, ms, status, text, bytes }, path, request, response) => {
  switch (behaviour) {
    case 'slow':
      return void setTimeout(() => answerWell(path, request, response), ms)
    case 'hang':
      return
    case 'status':
      return error(response, status, text ?? 'as told')
    case 'text':
      return say(response, 200, text)
    case 'half-then-hang':
      return sendHalf(path, response)
    case 'half-then-cut':
      return sendHalf(path, response, () => request.socket.destroy())
    case 'half-then-die':
      return sendHalf(path, response, () => process.kill(process.pid, 'SIGKILL'))
    case 'reset':
      return request.socket.resetAndDestroy()
    case 'flood':
      return flood(asked[path], response, bytes)
    default:
      return error(response, 500, `the stand-in knows no behaviour "${behaviour}"`)
  }
}

const control = {
  '/stand-in/behave': (order) => {
    if (order.behaviour === 'well') behaviours.delete(order.path)
    else behaviours.set(order.path, { ...order, left: order.times ?? Number.POSITIVE_INFINITY })
  },
  '/stand-in/set': (order) => {
    slots = order.slots ?? slots
    metrics = { ...metrics, ...order.metrics }
  },
  '/stand-in/asked': () => {},
}

const readBody = async (request) => {
  let body = ''
  for await (const piece of request) body += piece
  return body
}

const serve = async (request, response) => {
  const path = new URL(request.url, 'http://stand-in').pathname
  const body = await readBody(request)
  if (control[path] !== undefined) {
    control[path](body === '' ? {} : JSON.parse(body))
    return say(response, 200, JSON.stringify(asked))
  }
  asked[path] ??= { times: 0, open: 0, mostAtOnce: 0, bytesSent: 0 }
  const count = asked[path]
  count.times += 1
  count.open += 1
  count.mostAtOnce = Math.max(count.mostAtOnce, count.open)
  response.once('close', () => {
    count.open -= 1
  })
  if (Date.now() - startedAt < loadMs) return error(response, 503, 'Loading model')
  const order = behaviours.get(path)
  if (order === undefined) return answerWell(path, request, response)
  order.left -= 1
  if (order.left <= 0) behaviours.delete(path)
  misbehave(order, path, request, response)
}

// The first line of the recorded starts, and the one that ends them; what stands between them is left out.
console.error(
  isLiteLlm
    ? `INFO:     Started server process [${process.pid}]`
    : '0.00.223.622 I cmn  common_param: common_params_print_info: verbosity = 3 (adjust with the `-lv N` CLI arg)',
)
const server = createServer((request, response) => {
  serve(request, response).catch((failure) => error(response, 500, String(failure)))
})
server.listen(Number(flag('--port', '0')), flag('--host', '127.0.0.1'), () => {
  const { address, port } = server.address()
  // Not the real program's: so tests learn of the port.
  if (has('--ready-line')) console.log(port)
  const sayServing = () =>
    console.error(
      isLiteLlm
        ? `INFO:     Uvicorn running on http://${address}:${port} (Press CTRL+C to quit)`
        : `0.04.323.249 I srv  llama_server: listening on http://${address}:${port}`,
    )
  if (loadMs === 0) sayServing()
  else setTimeout(sayServing, loadMs)
})
