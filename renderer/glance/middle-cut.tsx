// Text that loses its middle when it doesn't fit: the end of a model's name matters most.
import { keptEnd } from '../../electron/wording/model-name.ts'

export const MiddleCut = ({ text }: { readonly text: string }) => (
  <>
    {/* A screen reader would read the halves as two words. */}
    <span className="hidden-words">{text}</span>
    <span className="middle-cut" aria-hidden="true">
      <span>{text.slice(0, -keptEnd)}</span>
      <span>{text.slice(-keptEnd)}</span>
    </span>
  </>
)
