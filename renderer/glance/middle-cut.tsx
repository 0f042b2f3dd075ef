// A model's name that loses its middle where it does not fit.
import { keptEnd } from '../../electron/model-name.ts'

export const MiddleCut = ({ text }: { readonly text: string }) => (
  <>
    {/* Its halves would be read as two words. */}
    <span className="hidden-words">{text}</span>
    <span className="middle-cut" aria-hidden="true" title={text}>
      <span>{text.slice(0, -keptEnd)}</span>
      <span>{text.slice(-keptEnd)}</span>
    </span>
  </>
)
