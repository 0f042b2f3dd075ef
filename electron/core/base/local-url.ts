/** The URL for reaching a server bound to `host` from this machine: a wildcard address includes loopback. */
export const localUrl = (host: string, port: number): string => {
  if (host === '0.0.0.0' || host === 'localhost') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}

/** Whether a server that listens on this host is reachable only from this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.')
