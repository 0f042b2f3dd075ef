// The row at the bottom: the views and the pin.
import type { View } from '../electron/contract/notice.ts'
import { Icon } from './icon.tsx'
import { act, showView, useMirror } from './mirror.ts'

/** `models` has no tab, for which a narrow window has no room: it is reached from the plan. */
const tabs: readonly (readonly [View['id'], string])[] = [
  ['glance', 'Glance'],
  ['logs', 'Logs'],
  ['plan', 'Plan'],
  ['doctor', 'Doctor'],
  ['clients', 'Clients'],
  ['settings', 'Settings'],
]

export const Navigation = () => {
  const shown = useMirror(({ view }) => view.id)
  const pinned = useMirror(({ app }) => app?.pinned ?? false)
  const current = shown === 'models' ? 'plan' : shown
  return (
    <nav className="navigation" aria-label="Views">
      {tabs.map(([id, title]) => (
        <button
          key={id}
          type="button"
          className="tab"
          aria-current={id === current ? 'page' : undefined}
          onClick={() => showView({ id, service: null })}
        >
          {title}
        </button>
      ))}
      <button
        type="button"
        className="tab tab-pin"
        aria-pressed={pinned}
        aria-label="Keep the window open and on top"
        title={pinned ? 'Unpin the window' : 'Keep the window open and on top'}
        onClick={() => void act({ type: 'pin', pinned: !pinned })}
      >
        <Icon name={pinned ? 'pinned' : 'pin'} />
      </button>
    </nav>
  )
}
