// Running values that differ from the configured ones, and the way to apply those.
import type { SettingsAnswer } from '../../electron/contract/question.ts'
import { AskingButton } from '../buttons.tsx'
import { Icon } from '../icon.tsx'
import { send, useSnapshot } from '../mirror.ts'
import { describeWorkLoss, ejectForge, ejectLoss } from '../service-words.ts'

export const RestartNeeded = ({ differences }: { readonly differences: SettingsAnswer['restartNeeded'] }) => {
  const mounted = useSnapshot(({ ramDisk }) => ramDisk?.mounted) ?? false
  const workLoss = useSnapshot(describeWorkLoss)
  if (differences.length === 0) return null
  // A restart leaves the disk mounted, so the new mount would be refused.
  const ejectsFirst = mounted && differences.some(({ needsEject }) => needsEject === true)
  return (
    <section className="restart-needed" aria-label="Restart needed">
      <Icon name="warning" />
      <div>
        <strong>Restart needed</strong>
        <ul>
          {differences.map(({ key, running, configured }) => (
            <li key={key}>
              <code>{key}</code> runs with {running}, configured: {configured}
            </li>
          ))}
        </ul>
        {ejectsFirst ? (
          <>
            <p>
              A restart leaves the RAM disk mounted as it is: eject the forge first, then restart everything.
            </p>
            <AskingButton
              key="eject"
              label="Eject Build Forge"
              warning={ejectLoss}
              onPress={() => void send(ejectForge)}
            />
          </>
        ) : (
          <AskingButton
            key="restart"
            label="Restart everything"
            warning={workLoss}
            onPress={() => void send({ type: 'restart', only: null })}
          />
        )}
      </div>
    </section>
  )
}
