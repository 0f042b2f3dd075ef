// Sentences below each other, each with its mark.
import { Icon, type IconName } from '../icon.tsx'

export const Lines = ({ mark, lines }: { readonly mark: IconName; readonly lines: readonly string[] }) =>
  lines.length === 0 ? null : (
    <ul className="lines">
      {lines.map((line) => (
        <li key={line} className={`line line-${mark}`}>
          <Icon name={mark} />
          <span>{line}</span>
        </li>
      ))}
    </ul>
  )
