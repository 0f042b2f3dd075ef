// Whether an IPC call comes from the main frame of our window, showing our page.
import { origin } from './app-files.ts'

interface Frame {
  readonly url: string
}

/** The part of WebContents used here. */
export interface Caller {
  getURL(): string
  readonly mainFrame: Frame
}

/** The part of Electron's IpcMainInvokeEvent used here; before Electron 12 it had no `senderFrame`. */
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
