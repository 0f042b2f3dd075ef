// Where the gateway listens, and how to reach it. Pure.
import { localUrl } from '../base/local-url.ts'
import { clientName } from './host-name.ts'

/** @param listen valid for the contract's ListenAddressSchema, such as `:80`, `127.0.0.1:8000` or `[::1]:80` */
export const readGatewayAddress = (listen: string) => {
  const colon = listen.lastIndexOf(':')
  const port = Number(listen.slice(colon + 1))
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '') || '0.0.0.0'
  return {
    /** The address that Traefik binds to; 0.0.0.0 for all, including IPv6. */
    host,
    port,
    /** Omits port 80. */
    endpoint: `http://${clientName}${port === 80 ? '' : `:${port}`}`,
    /** For this machine itself, whether or not the name resolves here. */
    localUrl: localUrl(host, port),
  }
}
