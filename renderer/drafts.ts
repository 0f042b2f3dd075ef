// What somebody has typed and not yet used: kept while another view is shown, gone with the window.
import { create } from 'zustand'
import type { LogId } from '../electron/contract.ts'
import type { FormValues } from './settings-form.ts'

interface Drafts {
  /** Of the settings file as it was at `revision`; null: nothing is changed. */
  readonly settings: { readonly revision: string; readonly values: FormValues } | null
  readonly logFilters: Readonly<Partial<Record<LogId, string>>>
}

export const useDrafts = create<Drafts>(() => ({ settings: null, logFilters: {} }))

export const keepSettings = (settings: Drafts['settings']): void => useDrafts.setState({ settings })

export const keepLogFilter = (log: LogId, filter: string): void =>
  useDrafts.setState(({ logFilters }) => ({ logFilters: { ...logFilters, [log]: filter } }))
