// The two builds of the app: the shipped one, and one lowered for the old Electron that tests can install.

export type AppVariant = 'shipped' | 'compatibility'

export interface AppVariantFacts {
  /** Relative to out/. */
  readonly folder: string
  /** esbuild targets for the main process and the window. */
  readonly mainTarget: string
  readonly windowTarget: string
}

export const appVariants = {
  // Electron 45 embeds Node 24. Its Chromium is newer than any syntax used here.
  shipped: { folder: 'app', mainTarget: 'node24', windowTarget: 'chrome140' },
  // Electron 9.4.1. Not "node12": dynamic import came with 12.20 (nodejs.org/api/esm.html, history of import()).
  compatibility: {
    folder: 'app-compat',
    mainTarget: 'node12.14',
    windowTarget: 'chrome83',
  },
} as const satisfies Readonly<Record<AppVariant, AppVariantFacts>>

export const isAppVariant = (word: string): word is AppVariant => Object.hasOwn(appVariants, word)
