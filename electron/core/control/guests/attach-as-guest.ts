// Attaching to another user's core, where one lets us in.

import { within } from '../../base/deadline.ts'
import { attachToCore, type ControlClient } from '../client.ts'
import { readSharedFolder } from './read-shared-folder.ts'
import { readUserName } from './user-name.ts'

/** The core answers within 1.5 s even when a server it asks does not. */
const answerMs = 3_000

/**
 * The client knows its owner's name. null when no core answers that we may use, or this state folder meets no other: a
 * socket that is not for us, or behind which nothing speaks as a core does, must not keep us from a core of our own.
 */
export const attachAsGuest = async (sharedDir: string | null): Promise<ControlClient | null> => {
  if (sharedDir === null) return null
  for (const { path, uid, distrust } of readSharedFolder(sharedDir)) {
    const client = distrust === null ? await attachIfCore(path, uid) : null
    if (client !== null) return client
  }
  return null
}

const attachIfCore = async (path: string, uid: number): Promise<ControlClient | null> => {
  const client = await attachToCore(path, await readUserName(uid)).catch(() => null)
  if (client === null) return null
  const snapshot = await within(
    client.readSnapshot().catch(() => null),
    answerMs,
  )
  if (snapshot !== null) return client
  client.close()
  return null
}
