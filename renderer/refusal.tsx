// Why the last command was refused, above every view until dismissed.
import { Icon } from './icon.tsx'
import { dismissRefusal, useMirror } from './mirror.ts'

export const Refusal = () => {
  const refusal = useMirror((mirror) => mirror.refusal)
  if (refusal === null) return null
  return (
    <div className="refusal" role="alert">
      <Icon name="failed" />
      <span>Not done: {refusal}</span>
      <button type="button" className="button-small" onClick={dismissRefusal}>
        Dismiss
      </button>
    </div>
  )
}
