// Replaces views that need a core when none answers.
import { judgeState } from '../judgement.ts'
import { useMirror } from '../mirror.ts'

export const NoCore = () => {
  const { word, sentence } = useMirror(({ app }) => judgeState(app))
  return (
    <div className="view">
      <h1 tabIndex={-1}>{word}</h1>
      <p className="not-known">{sentence}</p>
    </div>
  )
}
