// A core's second socket, for other users of the machine. Its failures are reported and never stop the core.
import { chmodSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Guests } from '../../../contract/config.ts'
import { messageOf } from '../../base/error-message.ts'
import { maxSocketPathBytes } from '../../config/state-folder.ts'
import { describeFailure, type RunCommand } from '../../platform/run-command.ts'
import { readOwnUid } from '../../platform/user-name.ts'
import type { CoreLink } from '../core-link.ts'
import { keepSocket } from '../keep-socket.ts'
import { type ControlServer, openControlServer } from '../server.ts'
import { createTurnstile } from '../turnstile.ts'
import { readFileFacts } from './read-shared-folder.ts'
import { distrustFolder, distrustSocket, sharedSocketName } from './shared-socket.ts'

export type GuestSocket = ReturnType<typeof createGuestSocket>

export interface GuestSocketOptions {
  readonly sharedDir: string | null
  /** The guests' view of the core. */
  readonly link: CoreLink
  readonly platform: 'darwin' | 'linux'
  readonly run: RunCommand
  readonly onError: (reason: string) => void
}

/** A guest is a person with a window and a few commands, so few connections. */
const mostClients = 32
/** A guest's longest request starts a profile by name; 32 endless requests hold 2 MiB. */
const maxRequestBytes = 65_536
/** For all guests together: 50 requests a second. A window sends five when it opens. */
const betweenRequestsMs = 20

/** Who may attach when the config doesn't say. */
export const defaultGuests = (platform: 'darwin' | 'linux'): Guests =>
  // On a Mac every user account is in `staff`. On Linux each user has a group of their own, so no name fits all.
  platform === 'darwin' ? { group: 'staff' } : 'none'

export const createGuestSocket = (options: GuestSocketOptions) => {
  const { sharedDir, platform, onError } = options
  let server: ControlServer | null = null
  let used = ''
  let turn: Promise<void> = Promise.resolve()
  let unkeep = () => {}

  const change = async (guests: Guests): Promise<void> => {
    unkeep()
    await server?.close()
    server = null
    if (sharedDir === null || guests === 'none') return
    try {
      server = await openFor(guests, sharedDir, options)
      unkeep = keepSocket({
        path: join(sharedDir, sharedSocketName(readOwnUid())),
        // Recreated as a whole: the new file's permissions say who may connect. Guests reconnect.
        restore: async () => {
          if (server?.isThere() === false && used === JSON.stringify(guests))
            turn = turn.then(() => change(guests))
        },
        onError: (error) => onError(`guests: ${messageOf(error)}`),
      })
    } catch (error) {
      onError(`guests: no other user can attach: ${messageOf(error)}`)
    }
  }
  const use = (guests: Guests): Promise<void> => {
    const name = JSON.stringify(guests)
    if (name !== used) turn = turn.then(() => change(guests))
    used = name
    return turn
  }

  return {
    /** Lets in the users that the config names. Reports a socket that can't be opened instead of throwing. */
    use: (guests: Guests | null): void => void use(guests ?? defaultGuests(platform)),
    /** Settles when the last `use` has taken effect or its failure was reported. */
    settled: () => turn,
    /** Settles when the socket is gone. Idempotent. */
    close: () => use('none'),
  }
}

/** Private until its group and mode are set. */
const openFor = async (
  guests: Exclude<Guests, 'none'>,
  sharedDir: string,
  { link, run }: GuestSocketOptions,
): Promise<ControlServer> => {
  const uid = readOwnUid()
  const path = join(sharedDir, sharedSocketName(uid))
  await clearPlace(path, sharedDir, uid)
  const server = await openControlServer(path, link, {
    mostClients,
    limits: { maxRequestBytes, turnstile: createTurnstile(betweenRequestsMs) },
  })
  try {
    if (guests === 'everyone') chmodSync(path, 0o666)
    else {
      // By chgrp(1): Node can't look up groups. No other user can have put a link there (see shared-socket).
      const result = await run(['chgrp', guests.group, path])
      if (result.kind !== 'exited' || result.exitCode !== 0)
        throw new Error(`could not give it to the group ${guests.group}: ${describeFailure(result)}`)
      chmodSync(path, 0o660)
    }
    return server
  } catch (error) {
    await server.close()
    throw error
  }
}

/** Removes a socket that a core of this user left there, and nothing else. Throws when the path can't be used. */
const clearPlace = async (path: string, sharedDir: string, uid: number): Promise<void> => {
  if (Buffer.byteLength(path) > maxSocketPathBytes)
    throw new Error(`${path} is longer than the ${maxSocketPathBytes} bytes that a socket's path may have`)
  const folder = readFileFacts(sharedDir, { follow: true })
  if (folder === null) throw new Error(`there is no folder ${sharedDir}`)
  const unsafe = distrustFolder(folder, uid)
  if (unsafe !== null) throw new Error(`${sharedDir} ${unsafe}`)
  const file = readFileFacts(path)
  if (file === null) return
  const strange = distrustSocket(file, uid)
  if (strange !== null) throw new Error(`${path} ${strange}`)
  if (await isAnswered(path)) throw new Error(`another core of this user listens on ${path}`)
  rmSync(path, { force: true })
}

const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
