// A service's trouble: the reason, the button that fixes it, the last log lines.
import { useCallback } from 'react'
import { type ServiceId, type SupervisedId, serviceNames } from '../../electron/contract/service-ids.ts'
import { startSentence } from '../../electron/wording/sentence.ts'
import { AskingButton, Button } from '../buttons.tsx'
import { sendAll, showView, useHost, useRefusal } from '../mirror.ts'
import type { Trouble } from '../service-words.ts'
import { askLogTail, useAnswer } from '../use-answer.ts'

const tailLines = 4

export const TroubleCard = ({ id, trouble }: { readonly id: ServiceId; readonly trouble: Trouble }) => {
  const { reason, mend, warning, isLogged } = trouble
  const host = useHost()
  const refusal = useRefusal(mend?.commands ?? [])
  return (
    <div className="trouble">
      <p className="trouble-reason">{startSentence(reason)}</p>
      {isLogged && host === null && id !== 'ramDisk' && <LogTail id={id} occasion={reason} />}
      {refusal !== null && <p className="not-known">{refusal}</p>}
      <div className="button-row">
        {mend !== null && refusal === null && (
          <AskingButton
            // A different fix needs its own confirmation.
            key={mend.label}
            kind="primary"
            label={mend.label}
            warning={warning}
            onPress={() => void sendAll(mend.commands)}
          />
        )}
        {host === null && (
          <Button
            kind="quiet"
            aria-label={`Open log of ${serviceNames[id]}`}
            onClick={() => showView({ id: 'logs', service: id })}
          >
            Open log
          </Button>
        )}
        <Button kind="quiet" onClick={() => showView({ id: 'doctor', service: null })}>
          Doctor
        </Button>
      </div>
    </div>
  )
}

const LogTail = ({ id, occasion }: { readonly id: SupervisedId; readonly occasion: string }) => {
  const ask = useCallback(() => askLogTail(id, tailLines), [id])
  const { answer } = useAnswer(ask, occasion)
  if (answer === null || answer.length === 0) return null
  return (
    <section aria-label={`Last log lines of ${serviceNames[id]}`}>
      <pre className="log-tail">{answer.slice(-tailLines).join('\n')}</pre>
    </section>
  )
}
