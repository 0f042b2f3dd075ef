// The app's own actions, for window and tray, and the only addresses that it ever opens externally.
import type { App, Clipboard, Shell } from 'electron'
import type { AppAction } from '../contract/app.ts'
import type { Outcome } from '../contract/command.ts'
import type { SnippetName } from '../core/control/core-link.ts'
import type { AppStateStore } from './feeds.ts'
import { readLoginItem, setLoginItem } from './login-item.ts'
import type { AppWindow } from './window.ts'

interface ActionParts {
  readonly app: App
  readonly platform: NodeJS.Platform
  readonly clipboard: Clipboard
  readonly shell: Shell
  readonly state: AppStateStore
  readonly window: () => AppWindow
  readonly quit: () => void
  /** A snippet with its key unmasked, from the core. Rejects with the reason. */
  readonly readSnippet: (name: SnippetName) => Promise<string>
}

const done: Outcome = { accepted: true }
const refuse = (reason: string): Outcome => ({ accepted: false, reason })

export const createActions = (parts: ActionParts): ((action: AppAction) => Promise<Outcome>) => {
  const { app, platform, clipboard, state } = parts
  return async (action) => {
    switch (action.type) {
      case 'copySnippet':
        clipboard.writeText(await parts.readSnippet(action))
        return done
      case 'copyText':
        clipboard.writeText(action.text)
        return done
      case 'pin':
        parts.window().setPinned(action.pinned)
        state.update({ pinned: action.pinned })
        return done
      case 'hide':
        parts.window().hide()
        return done
      case 'quit':
        parts.quit()
        return done
      case 'openAtLogin': {
        const refusal = setLoginItem(app, platform, action.on)
        state.update({ openAtLogin: readLoginItem(app, platform) })
        return refusal === null ? done : refuse(refusal)
      }
      case 'openPage': {
        const address = pageAddress(action.page, platform)
        if (address === null) return refuse('this system has no such page')
        await parts.shell.openExternal(address)
        return done
      }
    }
  }
}

type Page = Extract<AppAction, { type: 'openPage' }>['page']

/** The window names a page, never an address. */
const pages: Readonly<Record<Page, { readonly address: string; readonly on: 'everywhere' | 'darwin' }>> = {
  'notification-settings': {
    address: 'x-apple.systempreferences:com.apple.preference.notifications',
    on: 'darwin',
  },
  'login-items': {
    address: 'x-apple.systempreferences:com.apple.LoginItems-Settings.extension',
    on: 'darwin',
  },
  'llama-server-help': {
    address: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
    on: 'everywhere',
  },
}

/** null if this system has no such page. */
export const pageAddress = (page: Page, platform: NodeJS.Platform): string | null => {
  const { address, on } = pages[page]
  return on === 'everywhere' || on === platform ? address : null
}
