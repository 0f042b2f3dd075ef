// Two free TCP ports from the system.
import { createServer } from 'node:net'

/** Holds both until both are known, so that they differ. */
export const freePorts = async (): Promise<readonly [number, number]> => {
  const servers = [createServer(), createServer()]
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address === 'object' && address !== null) ports.push(address.port)
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  const [engine, router] = ports
  if (engine === undefined || router === undefined) throw new Error('the system gave no free ports')
  return [engine, router]
}
