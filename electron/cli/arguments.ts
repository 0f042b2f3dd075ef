// The command line of `nexus`, parsed and checked: pure, so that every refusal can be tested.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { DeveloperNameSchema } from '../contract/command.ts'
import { ListenAddressSchema } from '../contract/profile.ts'
import { type CommandedId, commandedIds, type LogId, logIds } from '../contract/service-ids.ts'
import { type ClaudeCodeChoice, isClaudeCodePath } from '../core/setup/claude-code.ts'
import { tryStepIds } from '../core/try-claude/try-step-ids.ts'
import { type ForgeCommand, forgeActions, parseForgeWords } from './forge-arguments.ts'
import { UsageError } from './usage-error.ts'

export type CliCommand =
  | {
      readonly name: 'up'
      readonly profile: string | null
      /** A model of the catalogue instead of a profile. */
      readonly model: string | null
      readonly only: CommandedId | null
      readonly force: boolean
      readonly replaceForeign: boolean
      readonly json: boolean
    }
  | {
      readonly name: 'down'
      readonly only: CommandedId | null
      readonly eject: boolean
      readonly now: boolean
      readonly force: boolean
      readonly json: boolean
    }
  | {
      readonly name: 'restart'
      readonly only: CommandedId | null
      readonly now: boolean
      readonly json: boolean
    }
  | { readonly name: 'status'; readonly watch: boolean; readonly json: boolean }
  | { readonly name: 'logs'; readonly id: LogId; readonly follow: boolean; readonly lines: number }
  | {
      readonly name: 'plan'
      readonly profile: string | null
      /** Replaces the profile's file, for example with the header of a model that is not downloaded yet. */
      readonly model: string | null
      readonly draft: string | null
      /** Plans for a machine sold with this much memory; null: this one. */
      readonly memoryGb: number | null
      readonly json: boolean
    }
  | {
      readonly name: 'models'
      readonly agents: number
      /** For a Mac sold with this much memory; null: this machine. */
      readonly memoryGb: number | null
      readonly json: boolean
    }
  | { readonly name: 'doctor'; readonly profile: string | null; readonly json: boolean }
  | { readonly name: 'service'; readonly action: ServiceAction; readonly json: boolean }
  | {
      readonly name: 'serve'
      readonly background: boolean
      readonly wait: boolean
      /** Starts a core in its own process unless one runs, then exits; the app calls this. */
      readonly detach: boolean
    }
  | {
      readonly name: 'key'
      readonly action: KeyAction
      /** null only with `list`. */
      readonly developer: string | null
      readonly json: boolean
    }
  | {
      readonly name: 'model'
      readonly action: ModelAction
      /** null only with `list`. */
      readonly model: string | null
      readonly json: boolean
    }
  | {
      /** `nexus bench model`: the model is the only subject so far. */
      readonly name: 'bench'
      readonly measure: readonly BenchSubject[]
      readonly batches: readonly number[]
      readonly repeats: number
      readonly promptTokens: number
      /** May stop the running AI Engine meanwhile. */
      readonly yes: boolean
      readonly json: boolean
    }
  | {
      readonly name: 'try-claude'
      /** Ids of steps; empty: all of them. */
      readonly steps: readonly string[]
      /** On a stack in use, also runs the steps that fill every slot or restart the Router. */
      readonly all: boolean
      /** Keeps the demo stack running afterwards. */
      readonly keep: boolean
      readonly client: ClaudeCodeChoice
      readonly json: boolean
    }
  | {
      readonly name: 'selfcheck'
      /** Also runs the probes that need 10 GB of memory and several minutes. */
      readonly large: boolean
      /** Runs as a launchd job of this kind; null: in this process. */
      readonly as: LaunchdKind | null
      /** Folder for the raw outputs; null: one in the state folder. */
      readonly out: string | null
      readonly json: boolean
    }
  | { readonly name: 'app' }
  | {
      readonly name: 'clients'
      readonly developer: string | null
      /** Test the connection as a client would, instead of showing the settings. */
      readonly test: boolean
      /** URL of the Router; null: the one in the environment, else this machine's. */
      readonly url: string | null
      readonly keyFile: string | null
      /** Write the settings into this user's file, or remove them again. */
      readonly apply: 'apply' | 'undo' | null
      /** May replace the user's own values. */
      readonly force: boolean
      readonly json: boolean
    }
  | {
      readonly name: 'traefik'
      /** null: only print. */
      readonly dir: string | null
      readonly listen: string
    }
  | ForgeCommand
  | {
      readonly name: 'agents-file'
      /** null: print the block; with `check`, check every installed file. */
      readonly path: string | null
      readonly check: boolean
    }
  | { readonly name: 'config-schema' }
  | { readonly name: 'help' }
  | { readonly name: 'version' }

/** `nexus service`: the core as a launchd or systemd service. */
export const serviceActions = ['install', 'uninstall', 'status'] as const
export type ServiceAction = (typeof serviceActions)[number]

/** `nexus bench model`: compares batch sizes and KV cache types, and measures the cost of idle slots. */
const benchSubjects = ['batches', 'kv', 'idle'] as const
export type BenchSubject = (typeof benchSubjects)[number]

/** `nexus key`: what to do with developers' keys. */
export const keyActions = ['list', 'create', 'rotate', 'revoke'] as const
export type KeyAction = (typeof keyActions)[number]

/** `nexus model`: what to do with models. */
export const modelActions = ['list', 'fetch', 'cancel', 'remove'] as const
export type ModelAction = (typeof modelActions)[number]

/** `nexus selfcheck --as`: the kinds of launchd job. */
export const launchdKinds = ['agent', 'daemon'] as const
export type LaunchdKind = (typeof launchdKinds)[number]

interface OptionHelp {
  readonly type: 'string' | 'boolean'
  readonly help: string
}

const json: OptionHelp = { type: 'boolean', help: '--json' }
const only: OptionHelp = { type: 'string', help: `--only ${commandedIds.join('|')}` }
const profile: OptionHelp = { type: 'string', help: '--profile NAME' }
const force: OptionHelp = { type: 'boolean', help: '--force' }

const optionsOf = {
  up: {
    profile,
    model: { type: 'string', help: '--model NAME' },
    only,
    force,
    'replace-foreign': { type: 'boolean', help: '--replace-foreign' },
    json,
  },
  down: {
    only,
    eject: { type: 'boolean', help: '--eject' },
    now: { type: 'boolean', help: '--now' },
    force,
    json,
  },
  restart: { now: { type: 'boolean', help: '--now' }, json },
  status: { json, watch: { type: 'boolean', help: '--watch' } },
  logs: { follow: { type: 'boolean', help: '--follow' }, lines: { type: 'string', help: '--lines N' } },
  plan: {
    profile,
    model: { type: 'string', help: '--model FILE' },
    draft: { type: 'string', help: '--draft FILE' },
    'memory-gb': { type: 'string', help: '--memory-gb N' },
    json,
  },
  models: {
    agents: { type: 'string', help: '--agents N' },
    'memory-gb': { type: 'string', help: '--memory-gb N' },
    json,
  },
  doctor: { profile, json },
  service: { json },
  serve: {
    background: { type: 'boolean', help: '--background' },
    detach: { type: 'boolean', help: '--detach' },
    wait: { type: 'boolean', help: '--wait' },
  },
  key: { json },
  model: { json },
  bench: {
    measure: { type: 'string', help: '--measure batches,kv,idle' },
    batches: { type: 'string', help: '--batches N,N' },
    repeats: { type: 'string', help: '--repeats N' },
    'prompt-tokens': { type: 'string', help: '--prompt-tokens N' },
    yes: { type: 'boolean', help: '--yes' },
    json,
  },
  'try-claude': {
    all: { type: 'boolean', help: '--all' },
    keep: { type: 'boolean', help: '--keep' },
    client: { type: 'string', help: '--client latest|PATH' },
    json,
  },
  selfcheck: {
    large: { type: 'boolean', help: '--large' },
    as: { type: 'string', help: `--as ${launchdKinds.join('|')}` },
    out: { type: 'string', help: '--out DIR' },
    json,
  },
  app: {},
  clients: {
    test: { type: 'boolean', help: '--test' },
    url: { type: 'string', help: '--url URL' },
    'key-file': { type: 'string', help: '--key-file FILE' },
    apply: { type: 'boolean', help: '--apply' },
    undo: { type: 'boolean', help: '--undo' },
    force,
    json,
  },
  traefik: {
    dir: { type: 'string', help: '--dir DIR' },
    listen: { type: 'string', help: '--listen ADDRESS:PORT' },
  },
  forge: {
    unused: { type: 'string', help: '--unused DAYS' },
    all: { type: 'boolean', help: '--all' },
    mount: { type: 'string', help: '--mount PATH' },
    json,
  },
  'agents-file': {
    path: { type: 'string', help: '--path FILE' },
    check: { type: 'boolean', help: '--check' },
  },
  'config-schema': {},
  help: {},
  version: {},
} as const satisfies Record<CliCommand['name'], Readonly<Record<string, OptionHelp>>>

const commandNames = Object.keys(optionsOf).filter(isCommandName)

function isCommandName(name: string): name is CliCommand['name'] {
  return Object.hasOwn(optionsOf, name)
}

/** @param argv the words after `nexus`. Throws UsageError with the word, what was found and what is allowed. */
export const parseArguments = (argv: readonly string[]): CliCommand => {
  const [first, ...rest] = argv
  if (first === undefined || first === '--help' || first === '-h') return { name: 'help' }
  if (first === '--version' || first === '-v') return { name: 'version' }
  if (!isCommandName(first)) {
    throw new UsageError(`found "${first}"; allowed: ${commandNames.join(', ')}. nexus help explains them.`)
  }
  if (rest.includes('--help') || rest.includes('-h')) return { name: 'help' }
  const { values, positionals } = parseWords(first, rest)
  const flag = (name: string): boolean => values[name] === true
  const text = (name: string): string | null => {
    const value = values[name]
    return typeof value === 'string' ? value : null
  }
  const expectWords = (most: number) => {
    const extra = positionals[most]
    if (extra !== undefined)
      throw new UsageError(`nexus ${first}: found the extra word "${extra}"; allowed: ${usageOf(first)}`)
  }
  if (wordsOf[first] === undefined) expectWords(0)
  switch (first) {
    case 'up':
      if (text('model') !== null && text('profile') !== null)
        throw new UsageError('nexus up: found --model with --profile; allowed: one of the two')
      return {
        name: 'up',
        profile: text('profile'),
        model: text('model'),
        only: serviceOrNull(text('only'), '--only'),
        force: flag('force'),
        replaceForeign: flag('replace-foreign'),
        json: flag('json'),
      }
    case 'down':
      return {
        name: 'down',
        only: serviceOrNull(text('only'), '--only'),
        eject: flag('eject'),
        now: flag('now'),
        force: flag('force'),
        json: flag('json'),
      }
    case 'restart':
      expectWords(1)
      return {
        name: 'restart',
        only: serviceOrNull(positionals[0] ?? null, 'restart'),
        now: flag('now'),
        json: flag('json'),
      }
    case 'status':
      if (flag('watch') && flag('json'))
        throw new UsageError('nexus status: found --watch with --json; allowed: one of the two')
      return { name: 'status', watch: flag('watch'), json: flag('json') }
    case 'logs':
      expectWords(1)
      return {
        name: 'logs',
        id: logId(positionals[0]),
        follow: flag('follow'),
        lines: lineCount(text('lines')),
      }
    case 'plan':
      return {
        name: 'plan',
        profile: text('profile'),
        model: text('model'),
        draft: text('draft'),
        memoryGb: memoryGb(text('memory-gb')),
        json: flag('json'),
      }
    case 'models':
      return {
        name: 'models',
        agents: agentCount(text('agents')),
        memoryGb: memoryGb(text('memory-gb')),
        json: flag('json'),
      }
    case 'doctor':
      return { name: 'doctor', profile: text('profile'), json: flag('json') }
    case 'service':
      expectWords(1)
      return { name: 'service', action: serviceAction(positionals[0]), json: flag('json') }
    case 'serve':
      return { name: 'serve', background: flag('background'), wait: flag('wait'), detach: flag('detach') }
    case 'clients':
      expectWords(1)
      return clientsCommand({
        name: 'clients',
        developer: positionals[0] ?? null,
        test: flag('test'),
        url: text('url'),
        keyFile: text('key-file'),
        apply: flag('undo') ? 'undo' : flag('apply') ? 'apply' : null,
        force: flag('force'),
        json: flag('json'),
      })
    case 'traefik':
      return { name: 'traefik', dir: text('dir'), listen: listenAddress(text('listen')) }
    case 'key': {
      expectWords(2)
      return { name: 'key', ...keyWords(positionals), json: flag('json') }
    }
    case 'model': {
      expectWords(2)
      return { name: 'model', ...modelWords(positionals), json: flag('json') }
    }
    case 'agents-file':
      return { name: 'agents-file', path: text('path'), check: flag('check') }
    case 'bench':
      expectWords(1)
      return {
        name: 'bench',
        ...benchWords(positionals[0], text('batches'), text('repeats'), text('prompt-tokens')),
        measure: (text('measure') ?? benchSubjects.join(',')).split(',').map(benchSubject),
        yes: flag('yes'),
        json: flag('json'),
      }
    case 'try-claude':
      expectWords(tryStepIds.length)
      return {
        name: 'try-claude',
        steps: positionals.map(tryStep),
        all: flag('all'),
        keep: flag('keep'),
        client: claudeCodeChoice(text('client')),
        json: flag('json'),
      }
    case 'forge':
      return parseForgeWords(positionals, {
        unused: text('unused'),
        all: flag('all'),
        mount: text('mount'),
        json: flag('json'),
      })
    case 'selfcheck':
      return {
        name: 'selfcheck',
        large: flag('large'),
        as: launchdKind(text('as')),
        out: text('out'),
        json: flag('json'),
      }
    case 'app':
    case 'config-schema':
    case 'help':
    case 'version':
      return { name: first }
  }
}

const parseWords = (name: CliCommand['name'], words: readonly string[]) => {
  const options = Object.fromEntries(
    Object.entries(optionsOf[name]).map(([key, { type }]) => [key, { type }]),
  )
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('. ')[0] : String(error)
    throw new UsageError(`nexus ${name}: ${reason}; allowed: ${usageOf(name)}`)
  }
}

const wordsOf: Readonly<Partial<Record<CliCommand['name'], string>>> = {
  restart: ' [ID]',
  bench: ' model',
  'try-claude': ' [STEP ...]',
  logs: ` ${logIds.join('|')}`,
  service: ` ${serviceActions.join('|')}`,
  forge: ` ${forgeActions.join('|')} [DIR ...]`,
  clients: ' [NAME]',
  model: ' list | fetch|cancel NAME|REPO[:FILE] | remove NAME',
  key: ` list | ${keyActions.slice(1).join('|')} NAME`,
}

/** "nexus down [--only ...] [--eject]" */
export const usageOf = (name: CliCommand['name']): string => {
  const words = wordsOf[name] ?? ''
  const options = Object.entries(optionsOf[name])
    .filter(([key]) => key !== 'background' && key !== 'detach')
    .map(([, { help }]) => ` [${help}]`)
  return `nexus ${name}${words}${options.join('')}`
}

const clientsCommand = (
  command: Extract<CliCommand, { name: 'clients' }>,
): Extract<CliCommand, { name: 'clients' }> => {
  if (!command.test && (command.url !== null || command.keyFile !== null))
    throw new UsageError('nexus clients: found --url or --key-file without --test; allowed: with --test')
  if (command.test && command.apply !== null)
    throw new UsageError('nexus clients: found --test with --apply or --undo; allowed: one of them')
  if (command.force && command.apply !== 'apply')
    throw new UsageError('nexus clients: found --force without --apply; allowed: with --apply')
  return command
}

/** Traefik's own form: `:80` is port 80 of every address. */
const listenAddress = (text: string | null): string => {
  if (text === null) return ':80'
  if (!ListenAddressSchema.safeParse(text).success)
    throw new UsageError(`--listen: found "${text}"; allowed: such as :80 or 127.0.0.1:8000`)
  return text
}

const serviceOrNull = (word: string | null, place: string): CommandedId | null => {
  if (word === null) return null
  const id = commandedIds.find((known) => known.toLowerCase() === word.toLowerCase())
  if (id === undefined) throw new UsageError(`${place}: found "${word}"; allowed: ${commandedIds.join(', ')}`)
  return id
}

const serviceAction = (word: string | undefined): ServiceAction => {
  const action = serviceActions.find((known) => known === word)
  if (action === undefined) {
    throw new UsageError(
      `nexus service: found ${word === undefined ? 'nothing' : `"${word}"`}; allowed: ${serviceActions.join(', ')}`,
    )
  }
  return action
}

const launchdKind = (word: string | null): LaunchdKind | null => {
  if (word === null) return null
  const kind = launchdKinds.find((known) => known === word)
  if (kind === undefined) throw new UsageError(`--as: found "${word}"; allowed: ${launchdKinds.join(', ')}`)
  return kind
}

const modelWords = ([word, model]: readonly string[]): {
  readonly action: ModelAction
  readonly model: string | null
} => {
  const action = modelActions.find((known) => known === word)
  if (action === undefined)
    throw new UsageError(
      `nexus model: found ${word === undefined ? 'nothing' : `"${word}"`}; allowed: ${modelActions.join(', ')}`,
    )
  if (action === 'list' && model !== undefined)
    throw new UsageError(`nexus model list: found the extra word "${model}"; allowed: nothing more`)
  if (action !== 'list' && model === undefined)
    throw new UsageError(`nexus model ${action}: found no model; allowed: ${usageOf('model')}`)
  return { action, model: model ?? null }
}

const keyWords = ([word, developer]: readonly string[]): {
  readonly action: KeyAction
  readonly developer: string | null
} => {
  const action = keyActions.find((known) => known === word)
  if (action === undefined) {
    throw new UsageError(
      `nexus key: found ${word === undefined ? 'nothing' : `"${word}"`}; allowed: ${keyActions.join(', ')}`,
    )
  }
  if (action === 'list') {
    if (developer === undefined) return { action, developer: null }
    throw new UsageError(`nexus key list: found the extra word "${developer}"; allowed: nothing more`)
  }
  const name = DeveloperNameSchema.safeParse(developer)
  if (name.success) return { action, developer: name.data }
  throw new UsageError(
    `nexus key ${action}: found ${developer === undefined ? 'no name' : `"${developer}"`}; allowed: a developer's name of ${name.error.issues[0]?.code === 'invalid_type' ? '1 to 32 letters, digits, dots, dashes or underscores' : name.error.issues[0]?.message}`,
  )
}

const logId = (word: string | undefined): LogId => {
  const id = logIds.find((known) => known.toLowerCase() === word?.toLowerCase())
  if (id === undefined) {
    throw new UsageError(
      `nexus logs: found ${word === undefined ? 'nothing' : `"${word}"`}; allowed: ${logIds.join(', ')}`,
    )
  }
  return id
}

const wholeNumberIn = (name: string, text: string, min: number, max: number): number => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`${name}: found "${text}"; allowed: a whole number from ${min} to ${max}`)
  return value
}

const claudeCodeChoice = (text: string | null): ClaudeCodeChoice => {
  if (text === null || text === 'pinned') return 'pinned'
  if (text === 'latest') return text
  if (text.includes('/')) {
    const path = resolve(text)
    if (isClaudeCodePath(path)) return path
  }
  throw new UsageError(
    `--client: found "${text}"; allowed: pinned, latest, or the path of a Claude Code program, such as ./claude`,
  )
}

const tryStep = (word: string): string => {
  if (tryStepIds.some((id) => id === word)) return word
  throw new UsageError(`nexus try-claude: found "${word}"; allowed: ${tryStepIds.join(', ')}`)
}

const benchSubject = (word: string): BenchSubject => {
  const subject = benchSubjects.find((one) => one === word)
  if (subject === undefined)
    throw new UsageError(
      `--measure: found "${word}"; allowed: ${benchSubjects.join(', ')}, separated by commas`,
    )
  return subject
}

const benchWords = (
  what: string | undefined,
  batches: string | null,
  repeats: string | null,
  promptTokens: string | null,
) => {
  if (what !== 'model')
    throw new UsageError(`nexus bench: found ${what === undefined ? 'nothing' : `"${what}"`}; allowed: model`)
  return {
    batches: (batches ?? '256,512,1024,2048')
      .split(',')
      .map((one) => wholeNumberIn('--batches', one, 32, 16_384)),
    repeats: wholeNumberIn('--repeats', repeats ?? '3', 1, 20),
    promptTokens: wholeNumberIn('--prompt-tokens', promptTokens ?? '4096', 64, 131_072),
  }
}

const memoryGb = (text: string | null): number | null => {
  if (text === null) return null
  const size = Number(text)
  if (!/^\d+$/.test(text) || size < 1 || size > 65_536) {
    throw new UsageError(`--memory-gb: found "${text}"; allowed: a whole number from 1 to 65536`)
  }
  return size
}

const agentCount = (text: string | null): number => {
  if (text === null) return 4
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > 64)
    throw new UsageError(`--agents: found "${text}"; allowed: a whole number from 1 to 64`)
  return count
}

const lineCount = (text: string | null): number => {
  if (text === null) return 40
  const count = Number(text)
  if (!/^\d+$/.test(text) || count > 100_000) {
    throw new UsageError(`--lines: found "${text}"; allowed: a whole number from 0 to 100000`)
  }
  return count
}
