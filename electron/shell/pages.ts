// The only addresses that the app ever opens externally: the window names a page, never an address.
import type { AppAction } from '../contract/app.ts'

type Page = Extract<AppAction, { type: 'openPage' }>['page']

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
