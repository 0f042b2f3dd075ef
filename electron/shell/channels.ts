// The channels between preload script and main process.

export const channels = {
  dispatch: 'nexus:dispatch',
  ask: 'nexus:ask',
  act: 'nexus:act',
  follow: 'nexus:follow',
  unfollow: 'nexus:unfollow',
} as const

/** The channel for the values of one followed topic. */
export const feedChannel = (id: number): string => `nexus:feed:${id}`

/** An answer, or why there is none: Electron wraps errors thrown through `ipcRenderer.invoke` in its own words. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }
