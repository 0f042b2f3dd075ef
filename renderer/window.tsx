// Entry of the window: connects the bridge and renders.
import './zod-without-eval.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { connectBridge } from './mirror.ts'
import { WindowFrame } from './window-frame.tsx'

connectBridge()
const place = document.getElementById('window')
if (place === null) throw new Error('index.html has no #window')
createRoot(place).render(
  <StrictMode>
    <WindowFrame />
  </StrictMode>,
)
