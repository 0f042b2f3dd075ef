// Models that the core is fetching, and missing ones with a button to fetch them.
import type { MouseEvent } from 'react'
import type { Command } from '../../electron/contract/command.ts'
import type { MissingModel, ModelFetch } from '../../electron/contract/snapshot.ts'
import { describeFetch, isFetchActive } from '../../electron/wording/fetch-words.ts'
import { formatBytes } from '../../electron/wording/figures.ts'
import { useRefusal } from '../guest.ts'
import { send, useSnapshot } from '../mirror.ts'
import { startSentence } from '../sentence.ts'

const fetchOf = (model: string) => ({ type: 'fetchModel', model, endpoint: null, token: null }) as const

/** Ignores the second press of a double click, since `Cancel` replaces `Fetch`. */
const pressOnce = (command: Command) => (event: MouseEvent) => {
  if (event.detail <= 1) void send(command)
}

export const Models = () => {
  const fetches = useSnapshot((snapshot) => snapshot.fetches) ?? []
  const missing = useSnapshot((snapshot) => snapshot.missingModels) ?? []
  const shown = fetches.filter((fetch) => isFetchActive(fetch) || fetch.phase === 'failed')
  const left = missing.filter(({ model }) => !shown.some(({ id }) => id === model))
  if (shown.length === 0 && left.length === 0) return null
  return (
    <section className="section models" aria-label="Models">
      <h2>Models</h2>
      {shown.map((fetch) => (
        <Fetch key={fetch.id} fetch={fetch} />
      ))}
      {left.map((model) => (
        <Missing key={model.model} missing={model} />
      ))}
    </section>
  )
}

const Fetch = ({ fetch }: { readonly fetch: ModelFetch }) => {
  const { id, file, phase, doneBytes, totalBytes } = fetch
  const again = fetchOf(id)
  const cancel = { type: 'cancelFetch', id } as const
  const isFailed = phase === 'failed'
  const command = isFailed ? again : cancel
  const isRefused = useRefusal([command]) !== null
  return (
    <div className="model">
      <div className="model-head">
        <span className="model-name">{file ?? id}</span>
        {!isRefused && (
          <button type="button" className="button-small" onClick={pressOnce(command)}>
            {isFailed ? 'Fetch again' : 'Cancel'}
          </button>
        )}
      </div>
      {!isFailed && totalBytes !== null && (
        <progress value={doneBytes} max={totalBytes} aria-label={file ?? id} />
      )}
      <p
        className={isFailed || phase === 'waiting' ? 'model-trouble' : 'model-words'}
        role={isFailed ? 'alert' : undefined}
      >
        {startSentence(describeFetch(fetch))}
      </p>
    </div>
  )
}

const Missing = ({ missing }: { readonly missing: MissingModel }) => {
  const { model, file, profile, bytes } = missing
  const command = fetchOf(model)
  const isRefused = useRefusal([command]) !== null
  return (
    <div className="model">
      <div className="model-head">
        <span className="model-name">{file}</span>
        {!isRefused && (
          <button type="button" className="button-small" onClick={pressOnce(command)}>
            Fetch{bytes === null ? '' : ` ${formatBytes(bytes)}`}
          </button>
        )}
      </div>
      <p className="model-words">The profile {profile} needs this model, and it isn’t here.</p>
    </div>
  )
}
