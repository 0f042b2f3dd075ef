// Every check with what was found, why it matters and the fix; problems first.
import type { DoctorAnswer } from '../../electron/contract/question.ts'
import { plural } from '../../electron/wording/figures.ts'
import { CopyButton } from '../buttons.tsx'
import { Icon, type IconName } from '../icon.tsx'
import { act, useSnapshot } from '../mirror.ts'
import { askDoctor, useAnswer } from '../use-answer.ts'
import { AskedView } from './asked-view.tsx'

type Check = DoctorAnswer['checks'][number]

const marks: Readonly<
  Record<Check['level'], { readonly icon: IconName; readonly phase: string; readonly word: string }>
> = {
  fail: { icon: 'failed', phase: 'failed', word: 'fails' },
  warn: { icon: 'warning', phase: 'degraded', word: 'warning' },
  unknown: { icon: 'unknown', phase: 'stopped', word: 'not known' },
  ok: { icon: 'ready', phase: 'ready', word: 'ok' },
}

const order = ['fail', 'warn', 'unknown', 'ok'] as const

const summarize = (checks: readonly Check[]): string => {
  const count = (level: Check['level']) => checks.filter((check) => check.level === level).length
  const bad = count('fail')
  const doubtful = count('warn') + count('unknown')
  if (bad + doubtful === 0) return `all ${checks.length} checks passed`
  return [
    bad === 0 ? '' : `${bad} failed`,
    doubtful === 0 ? '' : plural(doubtful, 'warning'),
    `${count('ok')} passed`,
  ]
    .filter((part) => part !== '')
    .join(', ')
}

export const Doctor = () => {
  // Ports, processes and the RAM disk change when the stack goes up or down.
  const overall = useSnapshot((snapshot) => snapshot.overall) ?? ''
  const asked = useAnswer(askDoctor, overall)
  return (
    <AskedView
      asked={asked}
      title="Doctor"
      note={({ checks }) => summarize(checks)}
      awaiting="Checking…"
      againLabel="Check again"
    >
      {({ checks }) => (
        <ul className="checks">
          {order
            .flatMap((level) => checks.filter((check) => check.level === level))
            .map((check) => (
              <CheckRow key={check.id} check={check} />
            ))}
        </ul>
      )}
    </AskedView>
  )
}

/** A sentence starts with a capital letter; anything else is a command to paste. */
const isCommand = (mend: string): boolean => !/^[A-Z]/.test(mend)

const CheckRow = ({ check }: { readonly check: Check }) => {
  const { title, level, found, why, mend } = check
  const mark = marks[level]
  return (
    <li className="doctor-check">
      <span className={`service-mark phase-${mark.phase}`}>
        <Icon name={mark.icon} />
      </span>
      <div className="doctor-words">
        <h2>{title}</h2>
        <span className="hidden-words">{mark.word}</span>
        <p>{found}</p>
        {level !== 'ok' && <p className="doctor-why">{why}</p>}
        {mend !== null && !isCommand(mend) && <p className="doctor-mend">{mend}</p>}
        {mend !== null && isCommand(mend) && (
          <div className="command">
            <code>{mend}</code>
            <CopyButton
              what={`the command for ${title}`}
              copy={() => act({ type: 'copyText', text: mend })}
            />
          </div>
        )}
      </div>
    </li>
  )
}
