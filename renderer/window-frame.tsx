// The frame around every view: what Escape does, where the focus goes, what was refused, and the navigation.
import { type ReactElement, useEffect, useRef } from 'react'
import type { View } from '../electron/contract.ts'
import { Glance } from './glance/glance.tsx'
import { isField, pressOnce } from './keys.ts'
import { act, glance, readView, showView, useMirror } from './mirror.ts'
import { Navigation } from './navigation.tsx'
import { Refusal } from './refusal.tsx'
import { Clients } from './views/clients.tsx'
import { Doctor } from './views/doctor.tsx'
import { Logs } from './views/logs.tsx'
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
  doctor: Doctor,
  clients: Clients,
  settings: Settings,
}

export const WindowFrame = () => {
  const { id, service } = useMirror((mirror) => mirror.view)
  // Nobody could answer what the other views ask.
  const connected = useMirror(({ app }) => app !== null && ['hosting', 'attached'].includes(app.link.kind))
  useEffect(() => {
    window.addEventListener('keydown', leaveByEscape)
    window.addEventListener('keydown', pressOnce)
    return () => {
      window.removeEventListener('keydown', leaveByEscape)
      window.removeEventListener('keydown', pressOnce)
    }
  }, [])
  const place = `${id} ${service}`
  const shownPlace = useRef(place)
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    if (shownPlace.current === place) return
    shownPlace.current = place
    // What was pressed has gone with its view: reading goes on at the top of the new one.
    if (document.activeElement === document.body) main.current?.querySelector('h1')?.focus()
  }, [place])
  const Shown = id === 'glance' || connected ? views[id] : NoCore
  return (
    <div className="frame">
      <Refusal />
      {/* Another view, or another service's log, starts at its top. */}
      <main className="frame-view" key={place} ref={main}>
        <Shown />
      </main>
      <Navigation />
    </div>
  )
}
