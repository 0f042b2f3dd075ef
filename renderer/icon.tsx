// The icons: each state has its own shape ("full" as in the menu bar), in the colour of the surrounding text.
import type { ReactElement } from 'react'
import type { Notice } from '../electron/contract/notice.ts'

const stroke = {
  fill: 'none',
  stroke: 'currentColor',
  strokeWidth: 2,
  strokeLinecap: 'round',
  strokeLinejoin: 'round',
} as const
const cut = { ...stroke, stroke: 'var(--icon-cut)', strokeWidth: 2.2 } as const

/** On a 20 by 20 grid. */
const shapes = {
  ready: (
    <>
      <circle cx="10" cy="10" r="9" />
      <path d="M6 10.4l2.8 2.8L14.2 7" {...cut} />
    </>
  ),
  full: (
    <>
      <path
        d="M10 1.4 17.5 5.7v8.6L10 18.6l-7.5-4.3V5.7z"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinejoin="round"
      />
      <path d="M6.2 10h7.6" {...cut} />
    </>
  ),
  busy: (
    <>
      <circle cx="10" cy="10" r="8" {...stroke} />
      <path d="M10 5.6V10l3 2" {...stroke} />
    </>
  ),
  stopped: (
    <>
      <path d="M10 2.2v7" {...stroke} />
      <path d="M5.6 4.6a7.4 7.4 0 1 0 8.8 0" {...stroke} />
    </>
  ),
  warning: (
    <>
      <path d="M8.5 1.9 0.8 15.6A1.8 1.8 0 0 0 2.4 18.3h15.2a1.8 1.8 0 0 0 1.6-2.7L11.5 1.9a1.75 1.75 0 0 0-3 0z" />
      <path d="M10 6.6v4.8M10 14.8v0.1" {...cut} />
    </>
  ),
  failed: (
    <>
      <path d="M6.2 1h7.6L19 6.2v7.6L13.8 19H6.2L1 13.8V6.2z" />
      <path d="M7 7l6 6M13 7l-6 6" {...cut} />
    </>
  ),
  unknown: (
    <>
      <circle cx="10" cy="10" r="8" {...stroke} strokeDasharray="3 3.28" />
      <path d="M8 8a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1v.4M10 14v.1" {...stroke} strokeWidth="1.7" />
    </>
  ),
  info: (
    <>
      <circle cx="10" cy="10" r="8" {...stroke} />
      <path d="M10 9.4v4.2M10 6.4v.1" {...stroke} />
    </>
  ),
  pin: <path d="M7 2.5h6M8 2.5v5L5.5 11h9L12 7.5v-5M10 11v6" {...stroke} strokeWidth="1.6" />,
  pinned: (
    <>
      <path d="M8 2.5v5L5.5 11h9L12 7.5v-5z" />
      <path d="M7 2.5h6M8 2.5v5L5.5 11h9L12 7.5v-5M10 11v6" {...stroke} strokeWidth="1.6" />
    </>
  ),
  next: <path d="M7.5 4.5 13 10l-5.5 5.5" {...stroke} />,
} satisfies Readonly<Record<string, ReactElement>>

export type IconName = keyof typeof shapes

export const severityIcons: Readonly<Record<Notice['severity'], IconName>> = {
  info: 'info',
  warning: 'warning',
  critical: 'failed',
}

/** Decoration beside text with the same meaning, so hidden from screen readers. */
export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg className={`icon icon-${name}`} viewBox="0 0 20 20" fill="currentColor" aria-hidden="true">
    {shapes[name]}
  </svg>
)
