// While nothing runs: what a start would bring up, and whether it fits.
import { type Command, startCommand } from '../../electron/contract/command.ts'
import type { PlanAnswer } from '../../electron/contract/question.ts'
import { serviceNames } from '../../electron/contract/service-ids.ts'
import { formatBytes, formatContext, plural } from '../../electron/wording/figures.ts'
import { Button } from '../buttons.tsx'
import { Fit, fitWords } from '../fit.tsx'
import { send, useRefusal, useSnapshot } from '../mirror.ts'
import { nameOf } from '../service-words.ts'
import { askPlan, askSettings, useAnswer } from '../use-answer.ts'

export const StoppedPlan = () => {
  const profileName = useSnapshot((snapshot) => snapshot.profile) ?? ''
  const plan = useAnswer(askPlan, profileName)
  const settings = useAnswer(askSettings, profileName)
  const profile = settings.answer?.profile ?? null
  const model = profile === null ? '' : nameOf(profile.llamaServer.modelPath).replace(/\.gguf$/, '')
  const draft = profile?.llamaServer.draftModelPath ?? null
  return (
    <section className="section" aria-label="What a start brings up">
      <div className="section-head">
        <h2>A start brings up</h2>
        <span>profile {settings.answer?.profileName ?? profileName}</span>
      </div>
      {profile !== null && (
        <dl className="will-start">
          <dt>{serviceNames.ramDisk}</dt>
          <dd>RAM disk of {formatBytes(profile.ramDisk.sizeMiB * 1_048_576)}</dd>
          <dt>{serviceNames.llamaServer}</dt>
          <dd title={model}>
            {model}
            {draft !== null && ' with a draft model'}, {plural(profile.llamaServer.slots, 'slot')},{' '}
            {formatContext(profile.llamaServer.contextTokens)} context
          </dd>
          <dt>{serviceNames.proxy}</dt>
          <dd>answers Claude Code on port {profile.proxy.port}</dd>
        </dl>
      )}
      {plan.pending && plan.answer === null && <p className="not-known">Working out whether it fits…</p>}
      {plan.failure !== null && (
        <p className="not-known">Could not work out whether it fits: {plan.failure}</p>
      )}
      {plan.answer !== null && <PlanWords plan={plan.answer} />}
    </section>
  )
}

const startAnyway: Command = { ...startCommand(null), force: true }

const PlanWords = ({ plan }: { readonly plan: PlanAnswer }) => {
  const { memory } = plan
  const refusal = useRefusal([startAnyway])
  const problems = [...plan.problems, ...plan.engine.problems]
  if (memory === null) {
    return (
      <Fit fit="unknown">
        Could not work out whether it fits: {plan.memoryUnknown ?? 'the plan gives no reason'}
      </Fit>
    )
  }
  return (
    <>
      <Fit fit={memory.verdict}>
        <b>{fitWords[memory.verdict]}</b>:{' '}
        {memory.verdict === 'fits' || memory.reasons.length === 0
          ? `${formatBytes(memory.totalBytes)} of ${formatBytes(memory.machineBytes)}`
          : memory.reasons.join('; ')}
      </Fit>
      {problems.map((problem) => (
        <Fit key={problem} fit="does-not-fit">
          {problem}
        </Fit>
      ))}
      {memory.verdict === 'does-not-fit' && refusal === null && (
        <Button kind="plain" onClick={() => void send(startAnyway)}>
          Start anyway
        </Button>
      )}
    </>
  )
}
