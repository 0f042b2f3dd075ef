// Which model would serve agents here: fit, context and published speed of every model that was judged, the best first.
import type { ModelsAnswer } from '../../electron/contract/question.ts'
import {
  formatBytes,
  formatContext,
  formatDuration,
  formatRate,
  plural,
} from '../../electron/wording/figures.ts'
import { explainColumns, modelColumns } from '../../electron/wording/model-words.ts'
import { startSentence } from '../../electron/wording/sentence.ts'
import { fitIcons, fitWords, Lines } from '../fit.tsx'
import { Icon } from '../icon.tsx'
import { useHost, useSnapshot } from '../mirror.ts'
import { FetchButton, FetchProgress, isFetchShown, TurnButton } from '../model-fetch.tsx'
import { askModels, useAnswer } from '../use-answer.ts'
import { AskedView, TableHead } from './asked-view.tsx'

type Model = ModelsAnswer['models'][number]

export const Models = () => {
  // What has been fetched is here now.
  const fetched = useSnapshot(({ fetches = [] }) =>
    fetches.flatMap(({ id, phase }) => (phase === 'done' ? [id] : [])).join(' '),
  )
  const asked = useAnswer(askModels, fetched ?? '')
  return (
    <AskedView
      asked={asked}
      title="Models"
      note={({ agents }) => `for ${plural(agents, 'agent')}`}
      awaiting="Judging the models…"
      againLabel="Judge again"
    >
      {(judged) => <Judged judged={judged} />}
    </AskedView>
  )
}

const Judged = ({ judged }: { readonly judged: ModelsAnswer }) => {
  const { models, bestId, notes, machine, agents, firstTurnTokens } = judged
  const sources = models.flatMap(({ source }) => (source === null ? [] : [source]))
  return (
    <>
      {machine !== null && <p className="model-words">{machine}</p>}
      <Lines mark="info" lines={notes} />
      <table className="table models-table">
        <TableHead titles={Object.values(modelColumns)} />
        {models.map((model) => (
          <ModelRows
            key={model.id}
            model={model}
            isBest={model.id === bestId}
            sourceNumber={model.source === null ? null : sources.indexOf(model.source) + 1}
          />
        ))}
      </table>
      {explainColumns(agents, firstTurnTokens).map(([title, text]) => (
        <p key={title} className="model-words">
          {title}: {text}
        </p>
      ))}
      {sources.length > 0 && (
        <details className="model-sources">
          <summary>Sources</summary>
          <ol>
            {sources.map((source, index) => (
              <li key={source}>
                [{index + 1}] {source}
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  )
}

interface ModelRowsProps {
  readonly model: Model
  readonly isBest: boolean
  readonly sourceNumber: number | null
}

const ModelRows = ({ model, isBest, sourceNumber }: ModelRowsProps) => {
  const { id, name, weightBytes, fit, whyUnknown, isHere, canFetch, source } = model
  const fetches = useSnapshot((snapshot) => snapshot.fetches) ?? []
  const fetch = fetches.find((each) => each.id === id && isFetchShown(each))
  const isGuest = useHost() !== null
  return (
    <tbody>
      <tr>
        <th scope="row">
          <span className={`model-fit fit-${fit}`}>
            <Icon name={fitIcons[fit]} />
            <span>{name}</span>
          </span>
        </th>
        <td>{formatContext(model.tokensPerAgent)}</td>
        <td>{formatDuration(model.firstTurnSeconds)}</td>
        <td title={source ?? undefined}>
          {formatRate(model.generationTokensPerSecond)}
          {sourceNumber !== null && <small> [{sourceNumber}]</small>}
        </td>
      </tr>
      <tr className="model-more">
        <td colSpan={4}>
          <div className="model-head">
            <span className="model-words">
              {sayFit(model, isGuest)}
              {isBest && <span className="tag">best for agents</span>}
            </span>
            {fetch !== undefined ? (
              <TurnButton fetch={fetch} name={name} />
            ) : (
              // What doesn't fit is no use here, and takes the disk.
              !isHere &&
              canFetch &&
              fit !== 'does-not-fit' && <FetchButton model={id} bytes={weightBytes} name={name} />
            )}
          </div>
          {whyUnknown !== null && <p className="model-words">{startSentence(whyUnknown)}</p>}
          {fetch !== undefined && <FetchProgress fetch={fetch} />}
        </td>
      </tr>
    </tbody>
  )
}

/** The button says the size of what isn't here; a guest has none. */
const sayFit = ({ fit, neededBytes, weightBytes, isHere, canFetch }: Model, isGuest: boolean): string =>
  [
    fit === 'unknown' ? 'Not known whether it fits' : fitWords[fit],
    ...(neededBytes === null ? [] : [`needs ${formatBytes(neededBytes)}`]),
    ...((isHere || isGuest || !canFetch) && weightBytes !== null ? [formatBytes(weightBytes)] : []),
    ...(isHere ? ['here'] : canFetch ? (isGuest ? ['not here'] : []) : ['comes with set-up']),
  ].join(', ')
