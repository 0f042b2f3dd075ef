// The settings that each developer pastes where agents run.
import { useState } from 'react'
import { refuseKeys } from '../../electron/contract/guest-rights.ts'
import type { ClientsAnswer } from '../../electron/contract/question.ts'
import { CopyButton } from '../buttons.tsx'
import { Fit } from '../fit.tsx'
import { act, useHost, useSnapshot } from '../mirror.ts'
import { askClients, useAnswer } from '../use-answer.ts'
import { AskedView } from './asked-view.tsx'
import { DeveloperUse } from './developer-use.tsx'

export const Clients = () => {
  const endpoint = useSnapshot(({ services }) => services.proxy.endpoint) ?? ''
  const host = useHost()
  const asked = useAnswer(askClients, endpoint)
  return (
    <AskedView
      asked={asked}
      title="Clients"
      note={({ baseUrl }) => baseUrl}
      awaiting="Reading the clients’ settings…"
      below={<DeveloperUse />}
    >
      {(clients) => (
        <>
          {clients.warning !== null && <Fit fit="fits-without-linker-reserve">{clients.warning}</Fit>}
          <Snippets developers={clients.developers} host={host} />
        </>
      )}
    </AskedView>
  )
}

interface SnippetsProps {
  readonly developers: ClientsAnswer['developers']
  /** The owner of the keys, if another user; null: this app's user. */
  readonly host: string | null
}

const Snippets = ({ developers, host }: SnippetsProps) => {
  const [chosen, setChosen] = useState('')
  const developer = developers.find(({ name }) => name === chosen) ?? developers[0]
  if (developer === undefined) {
    return (
      <p className="not-known">
        No developer has a key yet; {host === null ? 'Settings makes one' : `${host} can make one`}.
      </p>
    )
  }
  return (
    <>
      {host !== null && <p className="not-known">{refuseKeys(host)}</p>}
      <label className="field-line">
        <span>For</span>
        <select value={developer.name} onChange={(event) => setChosen(event.target.value)}>
          {developers.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <span className="mono">{developer.maskedKey}</span>
      </label>
      {developer.snippets.map(({ id, title, masked, notes }) => (
        <section key={id} className="block" aria-label={title}>
          <div className="section-head">
            <h2>{title}</h2>
            {host === null && (
              <CopyButton
                what={`the settings of ${developer.name} for ${title}`}
                copy={() => act({ type: 'copySnippet', developer: developer.name, snippet: id })}
              />
            )}
          </div>
          <pre className="code">{masked}</pre>
          {notes.length > 0 && (
            <details className="notes">
              <summary>What each line is for</summary>
              <ul>
                {notes.map((note) => (
                  <li key={note}>{note}</li>
                ))}
              </ul>
            </details>
          )}
        </section>
      ))}
    </>
  )
}
