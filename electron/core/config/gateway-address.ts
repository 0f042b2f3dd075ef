// Where the gateway listens, and how it is reached. Pure.
import { localUrl } from '../base/local-url.ts'
import { clientName } from './host-name.ts'

export interface GatewayAddress {
  /** What Traefik binds to; 0.0.0.0 for every address, IPv6's included. */
  readonly host: string
  readonly port: number
  /** The name without a port where that is port 80. */
  readonly endpoint: string
  /** How this machine itself reaches it, whether or not the name resolves here. */
  readonly localUrl: string
}

/** @param listen as the contract's ListenAddressSchema takes it, such as `:80`, `127.0.0.1:8000` or `[::1]:80` */
export const readGatewayAddress = (listen: string): GatewayAddress => {
  const colon = listen.lastIndexOf(':')
  const port = Number(listen.slice(colon + 1))
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '') || '0.0.0.0'
  return {
    host,
    port,
    endpoint: `http://${clientName}${port === 80 ? '' : `:${port}`}`,
    localUrl: localUrl(host, port),
  }
}
