// GET /metrics for Prometheus, on loopback only and only if the config names a port. LiteLLM serves its own metrics.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Snapshot } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { renderPrometheus } from './prometheus-text.ts'

const loopback = '127.0.0.1'
/** A Prometheus keeps one connection; any beyond this limit are closed. */
const mostConnections = 16
/** A scrape takes at most 1.5 s; a connection idle for this long is closed. */
const slowMs = 10_000
/** A page in a local browser could reach this address under a name of its own (DNS rebinding). */
const ownNames = new Set([loopback, 'localhost'])

export const createMetricsServer = (options: {
  readonly readSnapshot: () => Promise<Snapshot>
  readonly onError: (reason: string) => void
}) => {
  let current: { readonly port: number; readonly server: Server } | null = null

  /** Concurrent scrapes share one reading: any program of this machine may ask. */
  let reading: Promise<string> | null = null
  const read = (): Promise<string> => {
    reading ??= options
      .readSnapshot()
      .then(renderPrometheus)
      .finally(() => {
        reading = null
      })
    return reading
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const name = (request.headers.host ?? '').replace(/:\d+$/, '')
    if (!ownNames.has(name)) return end(response, 403, 'only for this machine\n')
    const path = (request.url ?? '').split('?', 1)[0]
    if (path !== '/metrics') return end(response, 404, '/metrics is here\n')
    if (request.method !== 'GET') return end(response, 405, 'GET only\n')
    try {
      end(response, 200, await read())
    } catch (error) {
      end(response, 500, `${messageOf(error)}\n`)
    }
  }

  const stop = () => {
    current?.server.close()
    current?.server.closeAllConnections()
    current = null
  }

  return {
    /** Serves on this port; null: off. Reports a port that can't be opened instead of throwing. */
    use: (port: number | null): void => {
      if (port === (current?.port ?? null)) return
      stop()
      if (port === null) return
      const server = createServer((request, response) => void answer(request, response))
      server.maxConnections = mostConnections
      server.headersTimeout = slowMs
      server.requestTimeout = slowMs
      // Also closes a client that asks and does not read.
      server.setTimeout(slowMs)
      current = { port, server }
      server.once('error', (error) => {
        if (current?.server === server) current = null
        options.onError(`metricsPort: ${loopback}:${port} cannot be used: ${error.message}`)
      })
      server.listen(port, loopback)
      // The host of the core decides when the process ends.
      server.unref()
    },
    close: stop,
  }
}

const end = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  response.end(text)
}
