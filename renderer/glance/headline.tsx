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
      <h1 className="headline-word" tabIndex={-1}>
        {word}
      </h1>
      <MainButton />
      <p className="headline-sentence" role="status" title={sentence}>
        {sentence}
      </p>
      <Owner />
    </header>
  )
}

/** Whose core it is, when it is not this app's. */
const Owner = () => {
  const link = useMirror(({ app }) => app?.link ?? null)
  if (link?.kind !== 'attached') return null
  const whose = link.user === null ? '' : ` of ${link.user}`
  return (
    <p className="headline-owner">
      Attached to the core{whose} in {hostWords[link.host]}, pid {link.pid}
    </p>
  )
}
