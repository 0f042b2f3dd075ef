// Judges a client's environment: room in its slot, the Router's switches, variables, settings. Pure.

import { z } from 'zod'
import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../base/format-bytes.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import type { ClaudeSetting } from '../clients/claude-settings.ts'
import { judgeAddress, type ReachAddress, readAddress } from '../clients/reach-address.ts'
import type { ReleaseTry } from '../clients/tried-releases.ts'
import { claudeModelName, isMeasuredName } from '../router/claude-model-name.ts'
import { type ClientLimits, configuredFirstTurnTokens } from '../router/client-limits.ts'
import { planRouter } from '../router/router-plan.ts'
import { brokenRelease, measuredClaudeCode } from '../setup/claude-code-releases.ts'
import { fail, ok, unknown, type Verdict, warn } from './check.ts'

export type Env = Readonly<Record<string, string | undefined>>

export const judgeRoom = (limits: ClientLimits, place: (key: string) => string): Verdict => {
  const { contextTokens, compactAtTokens } = limits
  const each = `each agent has ${formatCount(contextTokens)} tokens`
  if (compactAtTokens !== null)
    return ok(`${each}; with the settings of nexus clients it compacts at ${formatCount(compactAtTokens)}`)
  const mend = `Set ${place('llamaServer.contextTokens')} higher or ${place('llamaServer.slots')} lower; nexus plan says what fits.`
  return contextTokens < 2 * configuredFirstTurnTokens
    ? fail(`${each}: Claude Code's first turn alone takes ${formatCount(configuredFirstTurnTokens)}`, mend)
    : warn(`${each}: short tasks only, Claude Code has no room to compact in`, mend)
}

/** A profile may choose the tools, so only the other switches count as fixes. */
export const judgeMends = (
  profile: Pick<Profile, 'llamaServer' | 'proxy'>,
  place: (key: string) => string,
): Verdict => {
  const { configPath } = profile.proxy
  if (configPath !== null)
    return warn(
      `${configPath} is used as it is: it has its own keys, lacks Nexus' fixes for Claude Code, and does not limit bodies, answers or connections without a key`,
      `Set ${place('proxy.configPath')} to null for the generated configuration.`,
    )
  const off = planRouter(profile).filter(({ setting, on }) => !on && setting !== 'proxy.tools')
  if (off.length === 0) return ok('all on')
  return warn(
    off.map(({ setting, does }) => `${setting} is off (when on: ${does})`).join('; '),
    `Take ${off.map(({ setting }) => place(setting)).join(', ')} out of the profile.`,
  )
}

/** What Claude Code would read from the caller's environment; null: no ANTHROPIC_BASE_URL, or it points to another machine. */
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
    return warn('ANTHROPIC_BASE_URL is set, but no key', 'Copy both lines from nexus clients.')
  if (token !== '' && key !== '' && token !== key)
    return warn(
      'ANTHROPIC_AUTH_TOKEN and ANTHROPIC_API_KEY hold different keys: Claude Code sends both and warns',
      'unset ANTHROPIC_API_KEY',
    )
  const model = env['ANTHROPIC_MODEL'] ?? ''
  if (model.startsWith('claude-'))
    return warn(
      `ANTHROPIC_MODEL is ${model}: Claude Code assumes 200,000 tokens for that name, whatever the settings say`,
      `export ANTHROPIC_MODEL=${claudeModelName({ modelName: model })}`,
    )
  if (model === '')
    return ok(
      `ANTHROPIC_BASE_URL is ${address.baseUrl}; without ANTHROPIC_MODEL, here or in its settings, Claude Code asks for Opus: it assumes 200,000 tokens and gives up after three overloaded (529) responses`,
    )
  return ok(`ANTHROPIC_BASE_URL is ${address.baseUrl}`)
}

const SettingsSchema = z.object({
  env: z.record(z.string(), z.unknown()).optional(),
  permissions: z.object({ deny: z.array(z.string()).optional() }).optional(),
})
/** Secrets. */
const notCompared = ['ANTHROPIC_BASE_URL', 'ANTHROPIC_AUTH_TOKEN']

/**
 * Compares the user's Claude Code settings with those for this machine, except tools, which the user may choose. Never shows a
 * key. null: they point to another server, or to none.
 * @param isHere whether a URL leads to this machine's Router
 */
export const judgeSettings = (
  path: string,
  text: string,
  expected: readonly ClaudeSetting[],
  isHere: (baseUrl: string) => boolean,
): Verdict | null => {
  const mend = `Copy the settings that nexus clients NAME shows into ${path}, line by line.`
  const settings = SettingsSchema.safeParse(parseJsonOrNull(text))
  if (!settings.success) return fail(`${path} is not valid JSON, so Claude Code ignores it`, mend)
  const env = settings.data.env ?? {}
  const baseUrl = env['ANTHROPIC_BASE_URL']
  if (typeof baseUrl !== 'string' || !isHere(baseUrl)) return null
  const differences = expected.flatMap(({ name, value }) => {
    const found = env[name]
    if (typeof value !== 'string' || notCompared.includes(name) || String(found ?? '') === value) return []
    if (name.endsWith('_MODEL') && typeof found === 'string' && isMeasuredName(found)) return []
    return [`${name} is ${found === undefined ? 'not set' : found}, not ${value}`]
  })
  return differences.length === 0
    ? ok(`${path} matches this profile`)
    : warn(`${path}: ${differences.join('; ')}`, mend)
}

/**
 * @param says output of `claude --version`
 * @param triedWith result of `nexus try-claude` with a release on this machine; null: not tried
 */
export const judgeVersion = (
  says: string,
  model: string,
  triedWith: (version: string) => ReleaseTry | null,
): Verdict => {
  const version = /\d+\.\d+\.\d+/.exec(says)?.[0]
  if (version === undefined) return unknown(`claude --version printed "${says.trim().slice(0, 60)}"`)
  const broken = brokenRelease(version)
  if (broken !== null) return fail(broken, `npm install -g @anthropic-ai/claude-code@${measuredClaudeCode}`)
  const tried = triedWith(version)
  if (tried !== null && tried.failed.length > 0)
    return warn(
      `${version}: nexus try-claude failed here at ${tried.failed.join(', ')}`,
      `nexus try-claude --client ${version === measuredClaudeCode ? 'pinned' : '"$(command -v claude)"'} ${tried.failed.join(' ')}`,
    )
  if (tried !== null && tried.passed.length > 0)
    return ok(`${version}: nexus try-claude passed ${tried.passed.join(', ')} here`)
  if (version === measuredClaudeCode)
    return ok(`${version}, the release the settings were measured with; nexus try-claude tests it here`)
  if (!isMeasuredName(model)) return ok(version)
  return warn(
    `${version} is installed; how the model's name changes its requests is undocumented and was measured with ${measuredClaudeCode}`,
    `Try one task. If the context or the tools are wrong: npm install -g @anthropic-ai/claude-code@${measuredClaudeCode}.`,
  )
}
