// A text that loses its middle where it does not fit: of a model's name the end says how large it is.

/** Characters at the end that stay, such as "70B-Q8_0". */
const endLength = 9

export const MiddleCut = ({ text }: { readonly text: string }) => (
  <>
    {/* Its halves would be read as two words. */}
    <span className="hidden-words">{text}</span>
    <span className="middle-cut" aria-hidden="true" title={text}>
      <span>{text.slice(0, -endLength)}</span>
      <span>{text.slice(-endLength)}</span>
    </span>
  </>
)
