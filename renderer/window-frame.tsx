// The frame around every view: what Escape does, and the navigation between views.
import { useEffect } from 'react'
import { Glance } from './glance/glance.tsx'
import { act, glance, readView, showView, useMirror } from './mirror.ts'
import { Navigation } from './navigation.tsx'

const leaveByEscape = (event: KeyboardEvent) => {
  if (event.key !== 'Escape' || event.defaultPrevented) return
  if (readView().id === 'glance') void act({ type: 'hide' })
  else showView(glance)
}

export const WindowFrame = () => {
  const id = useMirror(({ view }) => view.id)
  useEffect(() => {
    window.addEventListener('keydown', leaveByEscape)
    return () => window.removeEventListener('keydown', leaveByEscape)
  }, [])
  return (
    <div className="frame">
      <main className="frame-view" key={id}>
        <Glance />
      </main>
      <Navigation />
    </div>
  )
}
