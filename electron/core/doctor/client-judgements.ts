// What a reading of a client's surroundings means: room in its slot, the Router's switches, variables, settings. Pure.

import type { Profile } from '../../contract/profile.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { formatCount } from '../base/format-bytes.ts'
import type { BlockState } from '../base/managed-file.ts'
import { judgeAddress, type ReachAddress, readAddress } from '../clients/reach-address.ts'
import type { SettingsReading } from '../clients/settings-judgement.ts'
import type { ReleaseTry } from '../clients/tried-releases.ts'
import { claudeModelName, isMeasuredName } from '../router/claude-model-name.ts'
import { type ClientLimits, firstTurnTokens } from '../router/client-limits.ts'
import { brokenRelease, measuredClaudeCode } from '../setup/claude-code-releases.ts'
import { fail, ok, unknown, type Verdict, warn } from './check.ts'

export type Env = Readonly<Record<string, string | undefined>>

export const judgeRoom = (limits: ClientLimits, place: (key: string) => string): Verdict => {
  const { contextTokens, compactAtTokens } = limits
  const each = `each agent has ${formatCount(contextTokens)} tokens`
  if (compactAtTokens !== null)
    return ok(`${each}; with the settings of nexus clients it compacts at ${formatCount(compactAtTokens)}`)
  const mend = `Set ${place('llamaServer.contextTokens')} higher or ${place('llamaServer.slots')} lower; nexus plan says what fits.`
  return contextTokens < 2 * firstTurnTokens
    ? fail(`${each}: Claude Code's first turn alone takes ${formatCount(firstTurnTokens)}`, mend)
    : warn(`${each}: short tasks only, Claude Code has no room to compact in`, mend)
}

/** What each switch of the Router mends, in the words of who misses it. */
const mends = {
  joinSystemMessages: "Claude Code's later system messages replace its whole system prompt",
  dropAttribution: 'no session shares the prompt cache of another',
  keepModelSampling: "the client's temperature 1 overrides the model's own",
  refuseOverlongPrompts: 'a conversation that outgrows its slot ends instead of being summarised',
  admission: 'nobody counts who waits, and a full pool fails every running request',
} as const satisfies Partial<Record<keyof Profile['proxy'], string>>

const mendNames = [
  'joinSystemMessages',
  'dropAttribution',
  'keepModelSampling',
  'refuseOverlongPrompts',
  'admission',
] as const satisfies readonly (keyof typeof mends)[]

export const judgeMends = (proxy: Profile['proxy'], place: (key: string) => string): Verdict => {
  if (proxy.configPath !== null)
    return warn(
      `${proxy.configPath} is used as it is: its keys are its own, Nexus mends nothing for Claude Code, and nothing bounds bodies, answers or connections without a key`,
      `Set ${place('proxy.configPath')} to null for the generated configuration.`,
    )
  const off = mendNames.filter((name) => proxy[name] === false)
  if (off.length === 0) return ok('all of them are on')
  return warn(
    off.map((name) => `${name} is off: ${mends[name]}`).join('; '),
    `Take ${off.map((name) => place(`proxy.${name}`)).join(', ')} out of the profile.`,
  )
}

/** What Claude Code would take from the environment of whoever asks; null: it leads nowhere in particular. */
export const judgeVariables = (env: Env, isHere: (address: ReachAddress) => boolean): Verdict | null => {
  const text = env['ANTHROPIC_BASE_URL'] ?? ''
  if (text === '') return null
  const reading = readAddress(text)
  if (reading.kind === 'wrong')
    return fail(`ANTHROPIC_BASE_URL: ${reading.verdict.found}`, reading.verdict.mend)
  const { address } = reading
  if (!isHere(address)) return null
  const verdict = judgeAddress(address, env)
  if (verdict.level !== 'ok') return warn(`ANTHROPIC_BASE_URL: ${verdict.found}`, verdict.mend)
  const [token, key] = [env['ANTHROPIC_AUTH_TOKEN'] ?? '', env['ANTHROPIC_API_KEY'] ?? '']
  if (token === '' && key === '')
    return warn('ANTHROPIC_BASE_URL is set and no key is', 'Take both lines from nexus clients.')
  if (token !== '' && key !== '' && token !== key)
    return warn(
      'ANTHROPIC_AUTH_TOKEN and ANTHROPIC_API_KEY are set, to different keys: Claude Code sends both and warns',
      'unset ANTHROPIC_API_KEY',
    )
  const model = env['ANTHROPIC_MODEL'] ?? ''
  if (model.startsWith('claude-'))
    return warn(
      `ANTHROPIC_MODEL is ${model}: Claude Code counts on 200,000 tokens for that name, whatever it is told`,
      `export ANTHROPIC_MODEL=${claudeModelName({ modelName: model })}`,
    )
  if (model === '')
    return ok(
      `ANTHROPIC_BASE_URL is ${address.baseUrl}; without ANTHROPIC_MODEL, here or in its settings, Claude Code asks as Opus: it counts on 200,000 tokens and gives up when it is refused as overloaded (529) three times`,
    )
  return ok(`ANTHROPIC_BASE_URL is ${address.baseUrl}`)
}

export const judgeSettings = (path: string, reading: SettingsReading): Verdict | null => {
  const mend = `Take the file that nexus clients NAME shows, line by line, into ${path}.`
  switch (reading.kind) {
    case 'other':
      return null
    case 'broken':
      return fail(`${path} is not the JSON that Claude Code reads, so it ignores the file`, mend)
    case 'ours': {
      const [first] = reading.differences
      if (first === undefined) return ok(`${path} is what this profile needs`)
      const list = reading.differences.map(
        ({ name, found, ours }) => `${name} is ${found ?? 'not set'}, not ${ours}`,
      )
      return warn(`${path}: ${list.join('; ')}`, mend)
    }
  }
}

/**
 * @param says what `claude --version` printed
 * @param triedWith what `nexus try-claude` saw here of a release; null: it was not tried
 */
export const judgeVersion = (
  says: string,
  model: string,
  triedWith: (version: string) => ReleaseTry | null,
): Verdict => {
  const version = /\d+\.\d+\.\d+/.exec(says)?.[0]
  if (version === undefined) return unknown(`claude --version answers "${says.trim().slice(0, 60)}"`)
  const broken = brokenRelease(version)
  if (broken !== null) return fail(broken, `npm install -g @anthropic-ai/claude-code@${measuredClaudeCode}`)
  const tried = triedWith(version)
  if (tried !== null && tried.failed.length > 0)
    return warn(
      `${version}: nexus try-claude failed here at ${tried.failed.join(', ')}`,
      `nexus try-claude --client ${version === measuredClaudeCode ? 'pinned' : '"$(command -v claude)"'} ${tried.failed.join(' ')}`,
    )
  if (tried !== null && tried.passed.length > 0)
    return ok(`${version}: nexus try-claude proved ${tried.passed.join(', ')} here`)
  if (version === measuredClaudeCode)
    return ok(`${version}, the release that its settings were measured with; nexus try-claude proves it here`)
  if (!isMeasuredName(model)) return ok(version)
  return warn(
    `${version} is installed; what a model's name makes it send was measured with ${measuredClaudeCode}, and is documented nowhere`,
    `Try one task. If its context or its tools are wrong: npm install -g @anthropic-ai/claude-code@${measuredClaudeCode}.`,
  )
}

export const judgeAgentsFiles = (
  states: readonly { readonly path: string; readonly state: BlockState }[],
): Verdict | null => {
  if (states.length === 0) return null
  const of = (...kinds: readonly BlockState['kind'][]) =>
    states.filter(({ state }) => kinds.includes(state.kind)).map(({ path }) => path)
  const edited = of('edited', 'broken')
  const outdated = of('outdated')
  if (edited.length > 0)
    return warn(
      `${edited.join(', ')}: edited between the marks, so no longer brought up to date`,
      'Move the words outside of the marks, take the block out, then: nexus agents-file --path FILE.',
    )
  if (outdated[0] !== undefined)
    return warn(
      `${outdated.join(', ')}: out of date`,
      `nexus agents-file --path ${quoteForShell(outdated[0])}`,
    )
  return ok(`${of('current').length} up to date`)
}
