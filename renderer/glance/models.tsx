// Models that the core is fetching, and missing ones with a button to fetch them.
import type { MissingModel, ModelFetch } from '../../electron/contract/snapshot.ts'
import { Button } from '../buttons.tsx'
import { showView, useSnapshot } from '../mirror.ts'
import { FetchButton, FetchProgress, isFetchShown, TurnButton } from '../model-fetch.tsx'

export const Models = () => {
  const fetches = useSnapshot((snapshot) => snapshot.fetches) ?? []
  const missing = useSnapshot((snapshot) => snapshot.missingModels) ?? []
  const shown = fetches.filter(isFetchShown)
  const left = missing.filter(({ model }) => !shown.some(({ id }) => id === model))
  if (shown.length === 0 && left.length === 0) return null
  return (
    <section className="section models" aria-label="Models">
      <div className="model-head">
        <h2>Models</h2>
        <Button onClick={() => showView({ id: 'models', service: null })}>All models</Button>
      </div>
      {shown.map((fetch) => (
        <Fetch key={fetch.id} fetch={fetch} />
      ))}
      {left.map((model) => (
        <Missing key={model.model} missing={model} />
      ))}
    </section>
  )
}

const Fetch = ({ fetch }: { readonly fetch: ModelFetch }) => (
  <div className="model">
    <div className="model-head">
      <span className="model-name">{fetch.file ?? fetch.id}</span>
      <TurnButton fetch={fetch} name={fetch.file ?? fetch.id} />
    </div>
    <FetchProgress fetch={fetch} />
  </div>
)

const Missing = ({ missing: { model, file, profile, bytes } }: { readonly missing: MissingModel }) => (
  <div className="model">
    <div className="model-head">
      <span className="model-name">{file}</span>
      <FetchButton model={model} bytes={bytes} name={file} />
    </div>
    <p className="model-words">The profile {profile} needs this model, and it isn’t here.</p>
  </div>
)
