// Attaches to another user's core, if one lets us in.

import { within } from '../../base/first-of.ts'
import { readUserName } from '../../platform/user-name.ts'
import { attachToCore, type ControlClient } from '../client.ts'
import { readSharedFolder } from './read-shared-folder.ts'

/** The core answers within 1.5 s even if a server that it asks does not. */
const answerMs = 3_000

/**
 * The client knows the owner's name. null when no core that we may use answers, or this state folder shares none: a socket
 * that is not for us, or without a core behind it, must not keep us from a core of our own.
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
