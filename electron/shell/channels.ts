// What crosses between the preload script and the main process: names, and what can be followed.
import type { LogId } from '../contract/service-ids.ts'

export const channels = {
  dispatch: 'nexus:dispatch',
  ask: 'nexus:ask',
  act: 'nexus:act',
  follow: 'nexus:follow',
  unfollow: 'nexus:unfollow',
} as const

/** Where the values of one followed topic arrive. */
export const feedChannel = (id: number): string => `nexus:feed:${id}`

export type Topic =
  | { readonly kind: 'state' }
  | { readonly kind: 'history' }
  | { readonly kind: 'log'; readonly log: LogId }
  | { readonly kind: 'view' }

/** An answer, or why there is none: an error thrown through `ipcRenderer.invoke` arrives with Electron's words around it. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }
