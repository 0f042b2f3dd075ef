const here: readonly string[] = ['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::']

/** The URL for reaching a server bound to `bound` from this machine, by loopback if it can: a wildcard address includes it. */
export const localUrl = (bound: string | readonly string[], port: number): string => {
  const all = typeof bound === 'string' ? [bound] : bound
  const host = all.find((one) => here.includes(one)) ?? all[0] ?? '127.0.0.1'
  if (host === '0.0.0.0' || host === 'localhost') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}
