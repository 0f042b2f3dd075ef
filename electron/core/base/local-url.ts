const here: readonly string[] = ['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::']

/** The URL for reaching a server bound to `bound` from this machine, by loopback if it can: a wildcard address includes it. */
export const localUrl = (bound: string | readonly string[], port: number): string => {
  const all = typeof bound === 'string' ? [bound] : bound
  const host = all.find((one) => here.includes(one)) ?? all[0] ?? '127.0.0.1'
  if (host === '0.0.0.0' || host === 'localhost') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}

/** Whether a server that listens on this host is reachable only from this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.')
