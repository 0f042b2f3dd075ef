// `nexus clients --test`: tests each hop from a client to the model and says where it breaks and why. Needs no core here.

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { findDeveloper } from '../../core/access/developer-keys.ts'
import { messageOf } from '../../core/base/error-message.ts'
import { isLoopback } from '../../core/base/local-url.ts'
import { readFileOrNull } from '../../core/base/private-file.ts'
import { readRegularFile } from '../../core/base/regular-file.ts'
import { readClaudeEnvironment } from '../../core/clients/claude-environment.ts'
import { readAddress } from '../../core/clients/reach-address.ts'
import { type ReachReport, testReach } from '../../core/clients/reach-test.ts'
import { clientName } from '../../core/config/gateway-address.ts'
import { claudeModelName } from '../../core/router/claude-model-name.ts'
import type { CommandNamed } from '../arguments.ts'
import { readClientGuides } from '../client-guides.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { refuse } from '../options.ts'
import { UsageError } from '../usage-error.ts'
import { renderReachStep, renderReachSummary } from '../view/reach-view.ts'

type ClientsCommand = CommandNamed<'clients'>

/** 0: the model answered; 3: connection refused; 1: anything else. Throws UsageError without address or key. */
export const runClientsTest = async (command: ClientsCommand, context: CliContext): Promise<number> => {
  const { url, key, model, because } = await readTarget(command, context)
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error('the test was interrupted'))
  process.once('SIGINT', interrupt)
  if (!command.json) context.print(`${url} (${because})\n`)
  try {
    const report = await testReach({
      url,
      key,
      model: model ?? claudeModelName({ modelName: 'claude-' }),
      env: context.env,
      platform: process.platform,
      signal: stop.signal,
      onStep: (step) => {
        if (!command.json) for (const line of renderReachStep(step, context)) context.print(line)
      },
    })
    if (command.json) context.print(JSON.stringify(report, null, 2))
    else for (const line of renderReachSummary(report, context)) context.print(line)
    const code = exitCodeOf(report)
    // A hanging name lookup can't be cancelled and would keep this process alive.
    setTimeout(() => process.exit(code), 50).unref()
    return code
  } finally {
    process.off('SIGINT', interrupt)
  }
}

const exitCodeOf = ({ works, refused }: ReachReport): number => {
  if (works) return exitCodes.done
  return refused ? exitCodes.notRunning : exitCodes.failed
}

/**
 * The given options, else what Claude Code would use from its settings and the environment, else this machine's own Router.
 * `because` says for the user where they came from.
 */
const readTarget = async (command: ClientsCommand, context: CliContext) => {
  const { env, folder } = context
  const variable = readClaudeEnvironment({
    env,
    projectDir: process.cwd(),
    homeDir: env['HOME'] ?? homedir(),
    readText: readFileOrNull,
  })
  const address = variable('ANTHROPIC_BASE_URL')
  const secret = variable('ANTHROPIC_AUTH_TOKEN') ?? variable('ANTHROPIC_API_KEY')
  // A key in a settings file belongs to the address in that file: another service's key is sent nowhere else.
  const mayUse = secret?.source === 'the environment' || (command.url === null && address !== null)
  const fileKey = command.keyFile === null ? null : readKeyFile(command.keyFile)
  const url = command.url ?? address?.value ?? null
  // With a developer's name, use that developer's key; the one that is set may be someone else's.
  const given = fileKey ?? (command.developer === null && mayUse ? (secret?.value ?? null) : null)
  const model = variable('ANTHROPIC_MODEL')?.value ?? null
  if (url !== null && given !== null) {
    const because = command.url === null ? `from ${address?.source ?? 'the environment'}` : 'as asked for'
    return { url, key: given, model, because }
  }
  const place = 'nexus clients --test'
  const keyWays = '--key-file FILE, or ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN in the environment'
  if (!existsSync(join(folder.keysDir, 'clients.json'))) {
    const urlWays =
      '--url http://HOST:PORT, or ANTHROPIC_BASE_URL in the environment or in Claude Code’s settings'
    return url === null ? refuse(place, 'no address', urlWays) : refuse(place, 'no key', keyWays)
  }
  if (url !== null && given === null && !(await isHere(url, context)))
    refuse(
      place,
      `no key for ${url}, which is not this machine, so this machine's keys are not sent there`,
      keyWays,
    )
  const { guides, apiKey } = await readClientGuides(context)
  const named = command.developer === null ? undefined : findDeveloper(guides.developers, command.developer)
  if (command.developer !== null && named === undefined)
    throw new UsageError(`nexus clients: found no developer "${command.developer}"`)
  const key = given ?? named?.key ?? apiKey
  if (key === null) throw new UsageError(`${place}: no developer has a key; nexus key create NAME makes one`)
  const whose = named === undefined ? "this machine's" : `${named.name}'s`
  return { url: url ?? guides.baseUrl, key, model, because: `with ${whose} key` }
}

const isHere = async (url: string, { platform }: CliContext): Promise<boolean> => {
  const reading = readAddress(url)
  // A malformed address gets no key; the test says what is wrong with it.
  if (reading.kind === 'wrong') return true
  const { host } = reading.address
  return host === clientName || isLoopback(host) || (await platform.readLanAddresses()).includes(host)
}

/** The first line, without its line end. */
const readKeyFile = (path: string): string => {
  try {
    return readRegularFile(path).split(/\r?\n/)[0] ?? ''
  } catch (error) {
    throw new UsageError(`--key-file: ${messageOf(error)}`)
  }
}
