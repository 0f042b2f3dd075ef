// The frame around every view: what Escape does, where the focus goes, what was refused, and the navigation.
import { type ReactElement, useEffect, useRef } from 'react'
import type { View } from '../electron/contract/notice.ts'
import { Glance } from './glance/glance.tsx'
import { isField, pressOnce } from './keys.ts'
import { act, readView, showView, useMirror } from './mirror.ts'
import { Navigation } from './navigation.tsx'
import { glance } from './place.ts'
import { Refusal } from './refusal.tsx'
import { Clients } from './views/clients.tsx'
import { Doctor } from './views/doctor.tsx'
import { Logs } from './views/logs.tsx'
import { Models } from './views/models.tsx'
import { NoCore } from './views/no-core.tsx'
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
  // Nobody could answer what the other views ask.
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
    // What was pressed has gone with its view: reading goes on at the top of the new one.
    if (document.activeElement === document.body) main.current?.querySelector('h1')?.focus()
  }, [id])
  const Shown = id === 'glance' || connected ? views[id] : NoCore
  return (
    <div className="frame">
      <Refusal />
      {/* Another view starts at its top. Another log within the Logs view keeps the focus at its choice. */}
      <main className="frame-view" key={id} ref={main}>
        <Shown />
      </main>
      <Navigation />
    </div>
  )
}
