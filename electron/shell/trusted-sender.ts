// Whether an IPC call comes from our window's main frame, showing our page, and from nobody else.
import type { IpcMainInvokeEvent, WebContents } from 'electron'
import { origin } from './app-files.ts'

type Sender = Pick<IpcMainInvokeEvent, 'sender'> & Partial<Pick<IpcMainInvokeEvent, 'senderFrame'>>

/** `window`: the contents of our one window; null while there is none. */
export const isTrustedSender = (event: Sender, window: WebContents | null): boolean => {
  if (window === null || event.sender !== window) return false
  if (!('senderFrame' in event)) return isOurs(event.sender.getURL())
  const frame = event.senderFrame
  // null once the frame has navigated away or was destroyed (Electron's docs of IpcMainInvokeEvent).
  return frame != null && frame === window.mainFrame && isOurs(frame.url)
}

const isOurs = (address: string): boolean => address === origin || address.startsWith(`${origin}/`)
