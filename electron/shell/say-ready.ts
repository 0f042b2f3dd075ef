// Tells the shell command that opened the app that it is ready.
import { createWriteStream } from 'node:fs'

/** NEXUS_READY_FD: a file descriptor that `nexus app` reads. */
export const sayReady = (env: Readonly<Record<string, string | undefined>>): void => {
  const fd = Number(env['NEXUS_READY_FD'])
  // 0 to 2 are the standard streams; a closed descriptor is the other side's problem.
  if (Number.isInteger(fd) && fd > 2)
    createWriteStream('', { fd })
      .on('error', () => {})
      .end('ready\n')
}
