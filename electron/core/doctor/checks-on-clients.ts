// Checks on what Claude Code meets: room in its slot, its settings and variables on this machine, the agents' files.
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { readAgentsBlock, readAgentsFileState } from '../agents-file/agents-file.ts'
import { readInstalledFiles } from '../agents-file/installed-files.ts'
import {
  claudeModelName,
  claudeSettings,
  isMeasuredName,
  measuredClaudeCode,
} from '../clients/claude-settings.ts'
import { clientBaseUrl } from '../clients/client-address.ts'
import { type ClientLimits, clientLimits, firstTurnTokens } from '../clients/client-limits.ts'
import { clientName } from '../clients/host-name.ts'
import type { BlockState } from '../clients/managed-file.ts'
import { judgeAddress, type ReachAddress, readAddress } from '../clients/reach-address.ts'
import { readSettings, type SettingsReading } from '../clients/settings-judgement.ts'
import { formatCount } from '../memory-plan/format-bytes.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { readFileOrNull } from '../private-file.ts'
import { quoteForShell } from '../shell-quote.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import { profilePlace } from './checks-on-config.ts'
import { isLoopback } from './checks-on-ports.ts'
import type { DoctorFacts } from './facts.ts'

type Env = Readonly<Record<string, string | undefined>>

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

/** @param says what `claude --version` printed */
export const judgeVersion = (says: string, model: string): Verdict => {
  const version = /\d+\.\d+\.\d+/.exec(says)?.[0]
  if (version === undefined) return unknown(`claude --version answers "${says.trim().slice(0, 60)}"`)
  if (version === measuredClaudeCode || !isMeasuredName(model)) return ok(version)
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

/** The first program of that name on the caller's own PATH; null when there is none. */
const findOnPath = (name: string, env: Env): string | null => {
  for (const dir of (env['PATH'] ?? '').split(':')) {
    if (!dir.startsWith('/')) continue
    const path = join(dir, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return null
}

const readVersion = async (run: RunCommand, env: Env): Promise<string | null> => {
  const path = findOnPath('claude', env)
  if (path === null) return null
  const result = await run([path, '--version'], { timeoutMs: 1_500 })
  return result.kind === 'exited' && result.exitCode === 0 ? result.stdout : null
}

export const checksOnClients = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const { env, homeDir, folder, chosen } = context
  const { proxy } = chosen.profile
  const readLimits = async () => {
    const header = await facts.modelHeader()
    const trained = header.kind === 'header' ? header.header.trainingContextTokens : null
    return clientLimits(chosen.profile.llamaServer, trained)
  }
  const isHere = async () => {
    const own = await facts.lanAddresses()
    return ({ host, port }: ReachAddress): boolean => {
      if (host === clientName) return true
      return port === proxy.port && (isLoopback(host) || own.includes(host))
    }
  }
  return [
    {
      id: 'clients.room',
      group: 'Clients',
      title: 'Context for each',
      why: 'Claude Code compacts in time only when it knows its slot and has room in it; otherwise a request is refused first',
      read: async () => judgeRoom(await readLimits(), (key) => profilePlace(context, key)),
    },
    {
      id: 'clients.variables',
      group: 'Clients',
      title: 'Variables',
      why: 'Claude Code takes them from the shell that starts it, and says little when one is wrong',
      read: async () => judgeVariables(env, await isHere()),
    },
    {
      id: 'clients.settings',
      group: 'Clients',
      title: 'Claude settings',
      why: 'they carry the limits of the profile, and do not change with it by themselves',
      read: async () => {
        const path = join(env['CLAUDE_CONFIG_DIR'] || join(homeDir, '.claude'), 'settings.json')
        const text = readFileOrNull(path)
        if (text === null) return null
        const here = await isHere()
        const baseUrl = clientBaseUrl(proxy, await facts.lanAddresses())
        const expected = claudeSettings({ baseUrl, apiKey: '', limits: await readLimits(), proxy })
        const reading = readSettings(text, expected, (url) => {
          const address = readAddress(url)
          return address.kind === 'address' && here(address.address)
        })
        return judgeSettings(path, reading)
      },
    },
    {
      id: 'clients.version',
      group: 'Clients',
      title: 'Claude Code',
      why: 'what it sends changes from release to release',
      read: async () => {
        const says = await readVersion(context.run, env)
        return says === null ? null : judgeVersion(says, claudeModelName(proxy))
      },
    },
    {
      id: 'clients.agents-file',
      group: 'Clients',
      title: "Agents' file",
      why: 'agents believe what it says about this machine',
      read: async () => {
        const paths = readInstalledFiles(folder.agentsFilesPath)
        if (paths.length === 0) return null
        const block = await readAgentsBlock({
          folder,
          platform: context.platform,
          profileName: chosen.name,
          profile: chosen.profile,
          engineIsReady: false,
        })
        return judgeAgentsFiles(paths.map((path) => ({ path, state: readAgentsFileState(path, block) })))
      },
    },
  ]
}
