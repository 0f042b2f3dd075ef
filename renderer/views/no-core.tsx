// In place of a view that would have to ask a core that does not answer.
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
