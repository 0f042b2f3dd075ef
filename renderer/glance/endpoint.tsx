// The Router's address, and the settings for each shell, ready to paste.
import { useState } from 'react'
import type { Answers } from '../../electron/contract/question.ts'
import { isServing } from '../../electron/contract/services.ts'
import { CopyButton } from '../buttons.tsx'
import { act, useHost, useSnapshot } from '../mirror.ts'
import { askClients, useAnswer } from '../use-answer.ts'

/** The shells in the footer; the Clients view has all. */
const shells: readonly { readonly id: string; readonly label: string }[] = [
  { id: 'bash', label: 'bash' },
  { id: 'powershell', label: 'PowerShell' },
]

export const Endpoint = () => {
  const endpoint = useSnapshot(({ services }) => services.proxy.endpoint)
  const answers = useSnapshot(({ services }) => isServing(services.proxy)) ?? false
  const host = useHost()
  const { answer } = useAnswer(askClients, `${endpoint} ${answers}`)
  const address = answer?.baseUrl ?? endpoint
  return (
    <footer className="endpoint">
      {address === null ? (
        <span className="endpoint-address">address not known</span>
      ) : (
        <CopyAddress address={address} />
      )}
      {answers ? (
        answer !== null && host === null && <CopyButtons answer={answer} />
      ) : (
        <span className="endpoint-note">not answering now</span>
      )}
    </footer>
  )
}

const CopyAddress = ({ address }: { readonly address: string }) => {
  const [copied, setCopied] = useState(false)
  return (
    <>
      <button
        type="button"
        className="endpoint-address"
        title={`Copy ${address}`}
        onBlur={() => setCopied(false)}
        onClick={async () => setCopied((await act({ type: 'copyText', text: address })).accepted)}
      >
        {address.replace(/^http:\/\//, '')}
        {copied && ' ✓'}
      </button>
      <span className="hidden-words" role="status">
        {copied ? 'Address copied' : ''}
      </span>
    </>
  )
}

const CopyButtons = ({ answer }: { readonly answer: Answers['clients'] }) => {
  const [chosen, setChosen] = useState<string | null>(null)
  const developer = answer.developers.find(({ name }) => name === chosen) ?? answer.developers[0]
  if (developer === undefined) return null
  const { name, snippets } = developer
  return (
    <div className="endpoint-copy">
      {answer.developers.length > 1 && (
        <select
          aria-label="Whose key to copy"
          value={name}
          onChange={(event) => setChosen(event.target.value)}
        >
          {answer.developers.map((each) => (
            <option key={each.name}>{each.name}</option>
          ))}
        </select>
      )}
      {shells
        .filter(({ id }) => snippets.some((snippet) => snippet.id === id))
        .map(({ id, label }) => (
          <CopyButton
            key={`${name} ${id}`}
            what={`the settings of ${name} for ${label}`}
            label={label}
            copy={() => act({ type: 'copySnippet', developer: name, snippet: id })}
          />
        ))}
    </div>
  )
}
