// Creates, rotates and revokes developers' keys. Never shows them; the Clients view copies them.
import { useState } from 'react'
import { type Command, DeveloperNameSchema } from '../../electron/contract/command.ts'
import { useEscape } from '../keys.ts'
import { send } from '../mirror.ts'
import { askClients, useAnswer } from '../use-answer.ts'

type KeyAction = Extract<Command, { type: 'key' }>['action']

const changes = {
  rotate: {
    verb: 'Rotate',
    warning: 'The current key stops working at once; the new one must be pasted again.',
  },
  revoke: { verb: 'Revoke', warning: 'Agents with this key are refused at once.' },
} as const

export const DeveloperKeys = () => {
  const asked = useAnswer(askClients)
  const [name, setName] = useState('')
  const [sure, setSure] = useState<{ readonly name: string; readonly action: 'rotate' | 'revoke' } | null>(
    null,
  )
  useEscape(sure === null ? null : () => setSure(null))
  const problem = name === '' ? null : (DeveloperNameSchema.safeParse(name).error?.issues[0]?.message ?? null)
  const carryOut = async (action: KeyAction, developer: string) => {
    setSure(null)
    const outcome = await send({ type: 'key', action, developer })
    if (!outcome.accepted) return
    if (action === 'create') setName('')
    asked.again()
  }
  return (
    <section className="block keys" aria-label="Developer keys">
      <h2>Developer keys</h2>
      {asked.failure !== null && <p className="not-known">Not known: {asked.failure}</p>}
      <ul>
        {(asked.answer?.developers ?? []).map((developer) => (
          <li key={developer.name} className="key-row">
            <span className="key-name" title={developer.name}>
              {developer.name}
            </span>
            <span className="mono">{developer.maskedKey}</span>
            {(['rotate', 'revoke'] as const).map((action) => (
              <button
                key={action}
                type="button"
                className="button-small"
                aria-label={`${changes[action].verb} the key of ${developer.name}`}
                onClick={() => setSure({ name: developer.name, action })}
              >
                {changes[action].verb}
              </button>
            ))}
            {sure?.name === developer.name && (
              <div className="key-sure">
                <p>{changes[sure.action].warning}</p>
                <div className="button-row">
                  <button
                    type="button"
                    className="button button-danger"
                    onClick={() => void carryOut(sure.action, sure.name)}
                  >
                    {changes[sure.action].verb} the key of {developer.name}
                  </button>
                  <button type="button" className="button button-quiet" onClick={() => setSure(null)}>
                    Keep it
                  </button>
                </div>
              </div>
            )}
          </li>
        ))}
      </ul>
      <form
        className="key-new"
        onSubmit={(event) => {
          event.preventDefault()
          if (name !== '' && problem === null) void carryOut('create', name)
        }}
      >
        <input
          type="text"
          spellCheck={false}
          placeholder="Name of a developer"
          aria-label="Name of a new developer"
          aria-invalid={problem !== null}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button
          type="submit"
          className="button"
          disabled={problem !== null}
          // Not `disabled`, which would drop the focus once the key is made.
          aria-disabled={name === '' || undefined}
        >
          Create key
        </button>
        {problem !== null && (
          <p className="field-problem" role="alert">
            {problem}
          </p>
        )}
      </form>
    </section>
  )
}
