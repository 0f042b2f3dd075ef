// The state in one word, the sentence that a person acts on, and the main button.

import { startSentence } from '../../electron/wording/sentence.ts'
import { judgeState } from '../../electron/wording/state-words.ts'
import { Icon } from '../icon.tsx'
import { useMirror } from '../mirror.ts'
import { MainButton } from './main-button.tsx'

export const Headline = () => {
  const { word, mark, ...said } = useMirror(({ app }) => judgeState(app))
  const sentence = startSentence(said.sentence)
  return (
    <header className={`headline mark-${mark}`}>
      <div className="headline-mark">
        <Icon name={mark} />
      </div>
      <div className="headline-words">
        <h1 className="headline-word" tabIndex={-1}>
          {word}
        </h1>
        <Owner />
      </div>
      <MainButton />
      <p className="headline-sentence" role="status" title={sentence}>
        {sentence}
      </p>
    </header>
  )
}

/** The owner of the stack, if another user. */
const Owner = () => {
  const link = useMirror(({ app }) => app?.link ?? null)
  if (link?.kind !== 'attached' || link.user === null) return null
  const words = `${link.user}’s stack, you are a guest`
  return (
    <p className="headline-owner" title={`${words}; its core has pid ${link.pid}`}>
      {words}
    </p>
  )
}
