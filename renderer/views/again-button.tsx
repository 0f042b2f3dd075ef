// A button that asks a view's question again.
import type { Asked } from '../use-answer.ts'

interface AgainButtonProps {
  readonly label: string
  readonly asked: Pick<Asked<unknown>, 'pending' | 'again'>
}

export const AgainButton = ({ label, asked: { pending, again } }: AgainButtonProps) => (
  <button
    type="button"
    className="button-small"
    // Not `disabled`, which would drop the focus.
    aria-disabled={pending || undefined}
    onClick={() => {
      if (!pending) again()
    }}
  >
    {label}
  </button>
)
