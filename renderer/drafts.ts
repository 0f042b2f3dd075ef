// Unsaved input: kept while another view is shown, lost with the window.
import { create } from 'zustand'
import type { LogId } from '../electron/contract/service-ids.ts'
import type { FormValues, SettingsDraft } from './settings-form.ts'

interface Drafts {
  /** null: no changes. */
  readonly settings: SettingsDraft | null
  readonly logFilters: Readonly<Partial<Record<LogId, string>>>
}

export const useDrafts = create<Drafts>(() => ({ settings: null, logFilters: {} }))

export const keepSettings = (settings: Drafts['settings']): void => useDrafts.setState({ settings })

/** Records saved values: only later input still counts as a change. */
export const settleSettings = (saved: FormValues): void =>
  useDrafts.setState(({ settings }) => ({
    settings: settings === null ? null : { ...settings, base: saved, note: null },
  }))

export const keepLogFilter = (log: LogId, filter: string): void =>
  useDrafts.setState(({ logFilters }) => ({ logFilters: { ...logFilters, [log]: filter } }))
