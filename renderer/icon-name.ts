// The names of the icons that icon.tsx draws.

export type IconName =
  | 'ready'
  | 'full'
  | 'busy'
  | 'stopped'
  | 'warning'
  | 'failed'
  | 'unknown'
  | 'info'
  | 'pin'
  | 'pinned'
  | 'next'
