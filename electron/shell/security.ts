// Forbids the window to navigate away, open windows or request permissions, whatever runs in it.
import type { EventEmitter } from 'node:events'
import type { App, Event, Session, WebContents } from 'electron'

/** Must come before the first window. */
export const lockDownContents = (app: App): void => {
  app.on('web-contents-created', (_event, contents) => {
    forbidLeaving(contents)
    forbidOpening(contents)
  })
}

const forbidLeaving = (contents: EventEmitter): void => {
  // `will-frame-navigate` came with Electron 25; an older one never emits it.
  for (const event of ['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview']) {
    contents.on(event, (prevented: Event) => prevented.preventDefault())
  }
}

const forbidOpening = (contents: WebContents): void => {
  if (typeof contents.setWindowOpenHandler === 'function') {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    return
  }
  // Before Electron 12 only this event could prevent it.
  const older: EventEmitter = contents
  older.on('new-window', (event: Event) => event.preventDefault())
}

export const denyPermissions = (session: Session): void => {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  session.setPermissionCheckHandler(() => false)
  // Since Electron 16: USB, HID and serial devices.
  if (typeof session.setDevicePermissionHandler === 'function')
    session.setDevicePermissionHandler(() => false)
}
