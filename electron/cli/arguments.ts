// The commands of `nexus`, each declared once: its words and options, what they mean, and its part of the help. Pure.
import { resolve } from 'node:path'
import { DeveloperNameSchema } from '../contract/command.ts'
import { ListenAddressSchema } from '../contract/profile.ts'
import { commandedIds, logIds } from '../contract/service-ids.ts'
import type { CleanChoice } from '../core/forge/forge-clean.ts'
import { type ClaudeCodeChoice, isClaudeCodePath } from '../core/setup/claude-code.ts'
import { tryStepIds } from '../core/try-claude/try-step-ids.ts'
import {
  choose,
  command,
  flag,
  hidden,
  listOf,
  oneOf,
  optionsCommand,
  type Parse,
  refuse,
  text,
  UsageError,
  value,
  wholeNumber,
} from './command-line.ts'

const json = flag()
const profile = text('NAME')
const only = value(commandedIds.join('|'), oneOf(commandedIds), null)
const now = flag('do not wait for running requests, which otherwise get some time to finish')
const memoryGb = value('N', wholeNumber(1, 65_536), null, 'for a machine sold with that much memory')

const up = command('up', {
  options: {
    profile,
    model: text('NAME', 'a model of the catalogue instead of a profile'),
    only,
    force: flag(),
    replaceForeign: flag('first end a llama-server or LiteLLM on our ports that Nexus did not start'),
    json,
  },
  help: 'set up what is missing, start, and wait for the answer to a Claude request',
  build: (values) => {
    if (values.model !== null && values.profile !== null)
      refuse('nexus up', '--model with --profile', 'one of the two')
    return values
  },
})

const down = optionsCommand(
  'down',
  { only, eject: flag('also remove the RAM disk and what is on it'), now, force: flag(), json },
  'stop everything but the RAM disk',
)

const restart = command('restart', {
  usage: '[ID]',
  mostWords: 1,
  options: { now, json },
  build: (values, [id]) => ({
    ...values,
    only: id === undefined ? null : choose(commandedIds, id, 'nexus restart'),
  }),
})

const status = command('status', {
  options: { watch: flag(), json },
  build: (values) => {
    if (values.watch && values.json) refuse('nexus status', '--watch with --json', 'one of the two')
    return values
  },
})

const logs = command('logs', {
  usage: logIds.join('|'),
  mostWords: 1,
  options: { follow: flag(), lines: value('N', wholeNumber(0, 100_000), 40) },
  build: (values, [id]) => ({ ...values, id: choose(logIds, id, 'nexus logs') }),
})

const plan = optionsCommand(
  'plan',
  {
    profile,
    model: text('FILE', "instead of the profile's; the header of a file is enough"),
    draft: text('FILE'),
    memoryGb,
    json,
  },
  'does it fit: the memory map, the exact command lines and the reason for each flag',
)

const models = optionsCommand(
  'models',
  { agents: value('N', wholeNumber(1, 64), 4), memoryGb, json },
  'known models on this machine: whether they fit, context per agent, first turn and speed, with sources (up --model NAME runs one)',
)

const doctor = optionsCommand(
  'doctor',
  { profile, json },
  'every check, with the command that fixes what it finds',
)

const selfcheck = optionsCommand(
  'selfcheck',
  {
    large: flag('also write 10 GB to a RAM disk'),
    as: value(
      'agent|daemon',
      oneOf(['agent', 'daemon']),
      null,
      'as a launchd job; for a daemon, print the commands for root',
    ),
    out: text('DIR', 'the folder for the raw output'),
    json,
  },
  'test what Nexus assumes about this machine with temporary parts of its own, and keep the raw output in a folder for a developer',
)

const app = optionsCommand(
  'app',
  {},
  'open the menu-bar app (from a clone: with an Electron that it downloads, or the one in NEXUS_ELECTRON)',
)

const clients = command('clients', {
  usage: '[NAME]',
  mostWords: 1,
  options: {
    test: flag('test each hop from a client to the model and say where it breaks'),
    url: text('URL', 'with --test: the Router, instead of ANTHROPIC_BASE_URL'),
    keyFile: text('FILE', 'with --test: instead of ANTHROPIC_API_KEY'),
    apply: flag("write Claude Code's settings for you, with a backup"),
    undo: flag('remove them again'),
    force: flag('with --apply: replace your own values'),
    json,
  },
  help: "the lines that each developer pastes into a shell; for one developer also Claude Code's settings, each line explained, SSH, Jump Desktop and the name ai.opta.local",
  build: ({ apply, undo, ...values }, [developer = null]) => {
    const place = 'nexus clients'
    if (!values.test && (values.url !== null || values.keyFile !== null))
      refuse(place, '--url or --key-file without --test', 'with --test')
    if (values.test && (apply || undo)) refuse(place, '--test with --apply or --undo', 'one of them')
    if (values.force && (!apply || undo)) refuse(place, '--force without --apply', 'with --apply')
    return { ...values, developer, apply: undo ? ('undo' as const) : apply ? ('apply' as const) : null }
  },
})

const keyActions = ['list', 'create', 'rotate', 'revoke'] as const

const key = command('key', {
  usage: `list | ${keyActions.slice(1).join('|')} NAME`,
  mostWords: 2,
  options: { json },
  help: 'one key for each developer; the Router accepts it from the next request on',
  build: (values, [word, name]) => {
    const action = choose(keyActions, word, 'nexus key')
    if (action === 'list') return { ...values, action, developer: nothingAfter('nexus key list', name) }
    const developer = DeveloperNameSchema.safeParse(name ?? '')
    return developer.success
      ? { ...values, action, developer: developer.data }
      : refuse(
          `nexus key ${action}`,
          name === undefined ? 'no name' : `"${name}"`,
          `a developer's name of ${developer.error.issues[0]?.message}`,
        )
  },
})

const agentsFile = optionsCommand(
  'agents-file',
  {
    path: text('FILE', 'keep it up to date in a file such as CLAUDE.md, between marks'),
    check: flag('exit code 1 when a file is out of date'),
  },
  'what agents must know about this machine (slots, context, waiting, builds)',
)

/** Traefik's own form: `:80` is port 80 of every address. */
const listenAddress: Parse<string> = (word, place) =>
  ListenAddressSchema.safeParse(word).success
    ? word
    : refuse(place, `"${word}"`, 'such as :80 or 127.0.0.1:8000')

const traefik = optionsCommand(
  'traefik',
  { dir: text('DIR', 'write it'), listen: value('ADDRESS:PORT', listenAddress, ':80') },
  'the configuration for your own Traefik to serve http://ai.opta.local (with "gateway": { "listen": ":80" } in the profile, Nexus runs one itself)',
)

const modelActions = ['list', 'fetch', 'cancel', 'remove'] as const
const modelUsage = 'list | fetch|cancel NAME|REPO[:FILE] | remove NAME'

const model = command('model', {
  usage: modelUsage,
  mostWords: 2,
  options: { json },
  help: 'models from Hugging Face, checked by hash; the core downloads them, so a closed terminal, a lost connection or a reboot only interrupts the download; models of other programs are used in place (HF_TOKEN for gated models, HF_ENDPOINT for a mirror)',
  build: (values, [word, name]) => {
    const action = choose(modelActions, word, 'nexus model')
    if (action === 'list') return { ...values, action, model: nothingAfter('nexus model list', name) }
    return { ...values, action, model: name ?? refuse(`nexus model ${action}`, 'no model', modelUsage) }
  },
})

const forgeActions = ['enable', 'disable', 'status', 'clean', 'hook'] as const

const forge = command('forge', {
  usage: `${forgeActions.join('|')} [DIR ...]`,
  mostWords: Number.POSITIVE_INFINITY,
  options: {
    unused: value('DAYS', wholeNumber(0, 3650), null),
    all: flag(),
    mount: text('PATH', "the RAM disk, instead of the profile's"),
    json,
  },
  help: "cargo builds on the RAM disk: for all your projects (enable) or some (enable DIR ...), and back (disable); the size of each workspace (status); make room (clean WORKSPACE, --unused DAYS, --all) (hook: for a shell's startup file; warns when builds go elsewhere)",
  build: ({ unused, all, ...values }, [word, ...words]) => {
    const action = choose(forgeActions, word, 'nexus forge')
    const place = `nexus forge ${action}`
    if (action === 'clean') return { ...values, action, clean: cleanChoice(place, words, unused, all) }
    if (unused !== null || all) refuse(place, '--unused or --all', 'only with clean')
    if (action === 'enable' || action === 'disable') return { ...values, action, folders: words }
    nothingAfter(place, words[0])
    return { ...values, action }
  },
})

const cleanChoice = (
  place: string,
  words: readonly string[],
  days: number | null,
  all: boolean,
): CleanChoice => {
  const allowed = 'one of a workspace folder, --unused DAYS, --all'
  const [path] = words
  if (words.length + Number(days !== null) + Number(all) > 1) refuse(place, 'more than one choice', allowed)
  if (path !== undefined) return { kind: 'workspace', path }
  if (all) return { kind: 'all' }
  return days === null ? refuse(place, 'nothing', allowed) : { kind: 'unused', days }
}

const bench = command('bench', {
  usage: 'model',
  mostWords: 1,
  options: {
    measure: value(
      'batches,kv,idle',
      listOf(oneOf(['batches', 'kv', 'idle'])),
      ['batches', 'kv', 'idle'] as const,
      'batch sizes, types of the KV cache, the cost of idle slots',
    ),
    batches: value('N,N', listOf(wholeNumber(32, 16_384)), [256, 512, 1024, 2048]),
    repeats: value('N', wholeNumber(1, 20), 3),
    promptTokens: value('N', wholeNumber(64, 131_072), 4096),
    yes: flag('stop a running AI Engine meanwhile, and restore it afterwards'),
    json,
  },
  help: 'measure the model at several batch sizes (-b): prefill, generation, drafts, and a stream beside a prefill; recommends one',
  build: (values, [word]) => {
    choose(['model'], word, 'nexus bench')
    return values
  },
})

const claudeCodeChoice: Parse<ClaudeCodeChoice> = (word, place) => {
  if (word === 'pinned' || word === 'latest') return word
  const path = resolve(word)
  return word.includes('/') && isClaudeCodePath(path)
    ? path
    : refuse(place, `"${word}"`, 'pinned, latest, or the path of a Claude Code program, such as ./claude')
}

const tryClaude = command('try-claude', {
  usage: '[STEP ...]',
  mostWords: tryStepIds.length,
  options: {
    all: flag('on a running stack also fill all slots and restart the Router'),
    keep: flag('leave the demo stack running'),
    client: value('latest|PATH', claudeCodeChoice, 'pinned' as const),
    json,
  },
  help: 'run the real Claude Code through the running stack, or through a temporary demo stack, and report each step',
  build: (values, words) => ({
    ...values,
    steps: words.map((word) => choose(tryStepIds, word, 'nexus try-claude')),
  }),
})

const serve = optionsCommand(
  'serve',
  {
    background: hidden(flag()),
    // Starts a core in its own process unless one runs, then exits; the app calls this.
    detach: hidden(flag()),
    wait: flag('take over when the current core ends'),
  },
  'host the core in the foreground (launchd, systemd); it restores what was running',
)

const serviceActions = ['install', 'uninstall', 'status'] as const

const service = command('service', {
  usage: serviceActions.join('|'),
  mostWords: 1,
  options: { json },
  help: 'let launchd or systemd host the core, so that the stack comes back after a reboot',
  build: (values, [word]) => ({ ...values, action: choose(serviceActions, word, 'nexus service') }),
})

const configSchema = optionsCommand('config-schema', {}, 'print the JSON schema of the config file')
const help = command('help', {
  usage: '[COMMAND]',
  mostWords: 1,
  options: {},
  build: (_, [about]) => ({ about: about ?? null }),
})
const version = optionsCommand('version', {})

const nothingAfter = (place: string, word: string | undefined): null =>
  word === undefined ? null : refuse(place, `the extra word "${word}"`, 'nothing more')

/** As `nexus help` lists them. */
export const commandGroups = [
  { title: 'Start and stop', commands: [up, down, restart] },
  { title: 'Look', commands: [status, logs, plan, models, doctor, selfcheck, app] },
  {
    title: 'Connect',
    commands: [
      clients,
      key,
      agentsFile,
      traefik,
      model,
      forge,
      bench,
      tryClaude,
      serve,
      service,
      configSchema,
      help,
      version,
    ],
  },
] as const

const commands = commandGroups.flatMap(
  (group): readonly (typeof group)['commands'][number][] => group.commands,
)

export type CliCommand = ReturnType<(typeof commands)[number]['parse']>
export type CommandNamed<Name extends CliCommand['name']> = Extract<CliCommand, { readonly name: Name }>

/** @param argv the words after `nexus`. Throws UsageError with the word, what was found and what is allowed. */
export const parseArguments = (argv: readonly string[]): CliCommand => {
  const [first, ...rest] = argv
  if (first === undefined || first === '--help' || first === '-h') return { name: 'help', about: null }
  if (first === '--version' || first === '-v') return { name: 'version' }
  const named = findCommand(first)
  if (rest.includes('--help') || rest.includes('-h')) return { name: 'help', about: first }
  const parsed = named.parse(rest)
  if (parsed.name === 'help' && parsed.about !== null) findCommand(parsed.about)
  return parsed
}

const findCommand = (name: string) => {
  const found = commands.find((command) => command.name === name)
  if (found !== undefined) return found
  const allowed = commands.map((command) => command.name).join(', ')
  throw new UsageError(`found "${name}"; allowed: ${allowed}. nexus help explains them.`)
}
