// The state in a word, the sentence that a person acts on, and the one big button.
import { Icon } from '../icon.tsx'
import { judgeState } from '../judgement.ts'
import { useMirror } from '../mirror.ts'
import { MainButton } from './main-button.tsx'

const hostWords = { app: 'another app', cli: 'nexus serve' } as const

export const Headline = () => {
  const { word, sentence, mark } = useMirror(({ app }) => judgeState(app))
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

/** Whose core it is, when it is not this app's. */
const Owner = () => {
  const link = useMirror(({ app }) => app?.link ?? null)
  if (link?.kind !== 'attached') return null
  const host = hostWords[link.host]
  const words = link.user === null ? `Core in ${host}` : `${link.user}’s stack, you are a guest`
  const details = `its core runs in ${host}, pid ${link.pid}`
  return (
    <p
      className="headline-owner"
      title={link.user === null ? `This window is attached: ${details}` : `${words}; ${details}`}
    >
      {words}
    </p>
  )
}
