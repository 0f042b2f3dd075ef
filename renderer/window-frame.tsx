// The frame around every view: what Escape does, what was refused, and the navigation.
import { type ReactElement, useEffect } from 'react'
import type { View } from '../electron/contract.ts'
import { Glance } from './glance/glance.tsx'
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
  if (readView().id === 'glance') void act({ type: 'hide' })
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
    return () => window.removeEventListener('keydown', leaveByEscape)
  }, [])
  const Shown = id === 'glance' || connected ? views[id] : NoCore
  return (
    <div className="frame">
      <Refusal />
      {/* Another view, or another service's log, starts at its top. */}
      <main className="frame-view" key={`${id} ${service}`}>
        <Shown />
      </main>
      <Navigation />
    </div>
  )
}
