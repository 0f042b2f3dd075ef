// A text that loses its middle where it does not fit, as of a model's name the end says most.
import { keptEnd } from '../../electron/wording/model-name.ts'

export const MiddleCut = ({ text }: { readonly text: string }) => (
  <>
    {/* Its halves would be read as two words. */}
    <span className="hidden-words">{text}</span>
    <span className="middle-cut" aria-hidden="true">
      <span>{text.slice(0, -keptEnd)}</span>
      <span>{text.slice(-keptEnd)}</span>
    </span>
  </>
)
