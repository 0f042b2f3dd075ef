// A fetch of a model: what has it fetched, how far it is, what calls it off or begins it again. A guest sees no buttons.
import type { MouseEvent } from 'react'
import type { Command } from '../electron/contract/command.ts'
import type { ModelFetch } from '../electron/contract/snapshot.ts'
import { formatBytes } from '../electron/wording/figures.ts'
import { describeFetch, isFetchActive } from '../electron/wording/model-words.ts'
import { startSentence } from '../electron/wording/sentence.ts'
import { Button } from './buttons.tsx'
import { send, useRefusal } from './mirror.ts'

const fetchOf = (model: string) => ({ type: 'fetchModel', model, endpoint: null, token: null }) as const

export const isFetchShown = (fetch: ModelFetch): boolean => isFetchActive(fetch) || fetch.phase === 'failed'

/** The second press of a double click was for what stood here before: `Cancel` takes the place of `Fetch`. */
const pressOnce = (command: Command) => (event: MouseEvent) => {
  if (event.detail <= 1) void send(command)
}

interface CommandButtonProps {
  readonly command: Command
  readonly words: string
  /** Of which model: beside it for those who see, not for a screen reader's list of buttons. */
  readonly name: string
}

const CommandButton = ({ command, words, name }: CommandButtonProps) =>
  useRefusal([command]) === null ? (
    <Button aria-label={`${words}: ${name}`} onClick={pressOnce(command)}>
      {words}
    </Button>
  ) : null

interface FetchButtonProps {
  readonly model: string
  readonly bytes: number | null
  readonly name: string
}

export const FetchButton = ({ model, bytes, name }: FetchButtonProps) => (
  <CommandButton
    command={fetchOf(model)}
    words={bytes === null ? 'Fetch' : `Fetch ${formatBytes(bytes)}`}
    name={name}
  />
)

interface FetchProps {
  readonly fetch: ModelFetch
  readonly name: string
}

export const TurnButton = ({ fetch: { id, phase }, name }: FetchProps) =>
  phase === 'failed' ? (
    <CommandButton command={fetchOf(id)} words="Fetch again" name={name} />
  ) : (
    <CommandButton command={{ type: 'cancelFetch', id }} words="Cancel" name={name} />
  )

export const FetchProgress = ({ fetch }: Pick<FetchProps, 'fetch'>) => {
  const { id, file, phase, doneBytes, totalBytes } = fetch
  const isFailed = phase === 'failed'
  return (
    <>
      {!isFailed && totalBytes !== null && (
        <progress value={doneBytes} max={totalBytes} aria-label={file ?? id} />
      )}
      <p
        className={isFailed || phase === 'waiting' ? 'model-trouble' : 'model-words'}
        role={isFailed ? 'alert' : undefined}
      >
        {startSentence(describeFetch(fetch))}
      </p>
    </>
  )
}
