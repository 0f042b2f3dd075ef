// The frame around every view: Escape, focus, the last refusal above and the navigation below.
import { type ReactElement, useEffect, useRef } from 'react'
import type { View } from '../electron/contract/notice.ts'
import { startSentence } from '../electron/wording/sentence.ts'
import { judgeState } from '../electron/wording/state-words.ts'
import { Button } from './buttons.tsx'
import { Glance } from './glance/glance.tsx'
import { Icon } from './icon.tsx'
import { isField, pressOnce } from './keys.ts'
import { act, dismissRefusal, readView, showView, useMirror } from './mirror.ts'
import { glance } from './place.ts'
import { Clients } from './views/clients.tsx'
import { Doctor } from './views/doctor.tsx'
import { Logs } from './views/logs.tsx'
import { Models } from './views/models.tsx'
import { Plan } from './views/plan.tsx'
import { Settings } from './views/settings.tsx'

const leaveByEscape = (event: KeyboardEvent) => {
  if (event.key !== 'Escape' || event.defaultPrevented) return
  if (isField(event.target)) event.target.blur()
  else if (readView().id === 'glance') void act({ type: 'hide' })
  else showView(glance)
}

const views: Readonly<Record<View['id'], () => ReactElement>> = {
  glance: Glance,
  logs: Logs,
  plan: Plan,
  models: Models,
  doctor: Doctor,
  clients: Clients,
  settings: Settings,
}

export const WindowFrame = () => {
  const id = useMirror(({ view }) => view.id)
  // Without a core, the other views' questions have no answer.
  const connected = useMirror(({ app }) => app?.link.kind === 'attached')
  useEffect(() => {
    window.addEventListener('keydown', leaveByEscape)
    window.addEventListener('keydown', pressOnce)
    return () => {
      window.removeEventListener('keydown', leaveByEscape)
      window.removeEventListener('keydown', pressOnce)
    }
  }, [])
  const shownView = useRef(id)
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    if (shownView.current === id) return
    shownView.current = id
    // The pressed element went away with its view: move the focus to the top of the new one.
    if (document.activeElement === document.body) main.current?.querySelector('h1')?.focus()
  }, [id])
  const Shown = id === 'glance' || connected ? views[id] : NoCore
  return (
    <div className="frame">
      <Refusal />
      {/* The key makes a new view start at its top; changing the log within the Logs view keeps the focus. */}
      <main className="frame-view" key={id} ref={main}>
        <Shown />
      </main>
      <Navigation />
    </div>
  )
}

/** Replaces views that need a core when none answers. */
const NoCore = () => {
  const { word, sentence } = useMirror(({ app }) => judgeState(app))
  return (
    <div className="view">
      <h1 tabIndex={-1}>{word}</h1>
      <p className="not-known">{startSentence(sentence)}</p>
    </div>
  )
}

/** Why the last command was refused, above every view until dismissed. */
const Refusal = () => {
  const refusal = useMirror((mirror) => mirror.refusal)
  if (refusal === null) return null
  return (
    <div className="refusal" role="alert">
      <Icon name="failed" />
      <span>Not done: {refusal}</span>
      <Button onClick={dismissRefusal}>Dismiss</Button>
    </div>
  )
}

/** `models` has no tab, for which a narrow window has no room: it is reached from the plan. */
const tabs: readonly (readonly [View['id'], string])[] = [
  ['glance', 'Glance'],
  ['logs', 'Logs'],
  ['plan', 'Plan'],
  ['doctor', 'Doctor'],
  ['clients', 'Clients'],
  ['settings', 'Settings'],
]

const Navigation = () => {
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
