// Whether an IPC call comes from our window's main frame, showing our page, and from nobody else.
import { origin } from './app-files.ts'

interface Frame {
  readonly url: string
}

/** Of a window's contents what is needed here. */
export interface Caller {
  getURL(): string
  readonly mainFrame: Frame
}

/** Of Electron's IpcMainInvokeEvent; before Electron 12 it had no `senderFrame`. */
export interface CallEvent {
  readonly sender: Caller
  readonly senderFrame?: Frame | null
}

/** `window`: the contents of our one window; null while there is none. */
export const isTrustedSender = (event: CallEvent, window: Caller | null): boolean => {
  if (window === null || event.sender !== window) return false
  if (!('senderFrame' in event)) return isOurs(event.sender.getURL())
  const frame = event.senderFrame
  // null once the frame has navigated away or was destroyed (Electron's docs of IpcMainInvokeEvent).
  return frame != null && frame === window.mainFrame && isOurs(frame.url)
}

const isOurs = (address: string): boolean => address === origin || address.startsWith(`${origin}/`)
