// Creates, rotates and revokes developers' keys. Never shows them; the Clients view copies them.
import { useState } from 'react'
import { type Command, DeveloperNameSchema } from '../../electron/contract/command.ts'
import { AskingButton, Button } from '../buttons.tsx'
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
  const problem = name === '' ? null : (DeveloperNameSchema.safeParse(name).error?.issues[0]?.message ?? null)
  const carryOut = async (action: KeyAction, developer: string) => {
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
              <AskingButton
                key={action}
                label={`${changes[action].verb} the key of ${developer.name}`}
                short={changes[action].verb}
                warning={changes[action].warning}
                onPress={() => void carryOut(action, developer.name)}
              />
            ))}
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
        <Button
          type="submit"
          kind="plain"
          disabled={problem !== null}
          // Not `disabled`, which would drop the focus once the key is made.
          aria-disabled={name === '' || undefined}
        >
          Create key
        </Button>
        {problem !== null && (
          <p className="field-problem" role="alert">
            {problem}
          </p>
        )}
      </form>
    </section>
  )
}
