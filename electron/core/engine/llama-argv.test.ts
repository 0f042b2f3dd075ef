import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import type { ChatTemplateChoice } from './chat-template.ts'
import { planLlamaArgv } from './llama-argv.ts'
import { parseLlamaHelp } from './llama-help.ts'

const readHelpText = (build: string) =>
  readFileSync(new URL(`../../../resources/llama-help/${build}.txt`, import.meta.url), 'utf8')

type LlamaProfile = Profile['llamaServer']

/** The seed's machine, with the seed's values where it has them. */
const studio: LlamaProfile = {
  binaryPath: null,
  modelPath: '/models/target.gguf',
  draftModelPath: '/models/draft.gguf',
  alias: 'deepseek',
  host: '127.0.0.1',
  port: 8080,
  slots: 4,
  contextTokens: 131_072,
  unifiedKv: false,
  gpuLayers: 99,
  cacheTypeK: 'q4_0',
  cacheTypeV: 'q4_0',
  draftCacheTypeK: 'q4_0',
  draftCacheTypeV: 'q4_0',
  speculation: 'draft-simple',
  batchTokens: 512,
  microBatchTokens: 256,
  promptCacheMiB: 8192,
  pinnedFlags: [],
}

const ownTemplate: ChatTemplateChoice = { kind: 'own', toolless: false, reason: 'it renders tools' }

function plan(
  changes: Partial<LlamaProfile> = {},
  help = readHelpText('b10434'),
  chatTemplate: ChatTemplateChoice = ownTemplate,
) {
  const capabilities = parseLlamaHelp(help)
  if (capabilities === null) throw new Error('not read as help')
  const profile = { ...studio, ...changes }
  const paths = { apiKeyPath: '/state/key', binaryPath: '/opt/llama-server' }
  return planLlamaArgv({ profile, capabilities, chatTemplate, ...paths })
}

function planned(...args: Parameters<typeof plan>) {
  const result = plan(...args)
  if (result.kind !== 'planned') throw new Error(result.reasons.join(' '))
  const argumentOf = (flag: string) => result.argv[result.argv.indexOf(flag) + 1]
  const reasonOf = (flag: string) => result.adaptations.find((adaptation) => adaptation.flag === flag)?.reason
  return { ...result, argumentOf, reasonOf, line: result.argv.join(' ') }
}

const reasonsOf = (result: ReturnType<typeof plan>) => (result.kind === 'impossible' ? result.reasons : [])

/**
 * A build of November 2026: b10434's recorded help with what tools/server/README.md at 00dc8057, generated from the same
 * table, has otherwise. Laid out by hand.
 */
const newestHelpText = () =>
  ['--mlock', '--mmap', '--direct-io', '--host', '--port'].reduce(without, readHelpText('b10434')).replace(
    /^-cram, /m,
    `--kv-unified-per-slot N                 context limit per parallel slot (default: unset, behavior unchanged).
                                        when set without -c/--ctx-size, the shared KV pool is sized to
                                        n_parallel*N
                                        (env: LLAMA_ARG_KV_UNIFIED_PER_SLOT)
--host HOST                             IP addresses to listen on, comma-separated, or UNIX socket paths ending
                                        in .sock; with multiple TCP addresses, :: binds IPv6 only; overlapping
                                        addresses result in undefined behavior (default: 127.0.0.1)
                                        (env: LLAMA_ARG_HOST)
--port PORT                             port to listen (default: 9931)
                                        (env: LLAMA_ARG_PORT)
-cram, `,
  )

/** Drops an entry (its head line and the text below it) from a build's help. */
const without = (help: string, flag: string) => {
  const lines = help.split('\n')
  const start = lines.findIndex((line) => line.startsWith('-') && line.split(/[\s,]+/).includes(flag))
  if (start < 0) throw new Error(`${flag} is not in the help`)
  const rest = lines.slice(start + 1)
  const length = rest.findIndex((line) => !line.startsWith(' '))
  return [...lines.slice(0, start), ...rest.slice(length)].join('\n')
}

describe('planLlamaArgv', () => {
  it.each(['b10068', 'b10434'])("spells the seed's profile for %s", (build) => {
    expect(planned({}, readHelpText(build)).line).toBe(
      '/opt/llama-server -m /models/target.gguf --spec-type draft-simple -md /models/draft.gguf' +
        ' -ctkd q4_0 -ctvd q4_0 -ngld 99 -c 131072 -np 4 -cb -ngl 99 -no-kvu -ctk q4_0 -ctv q4_0' +
        ' -b 512 -ub 256 --host 127.0.0.1 --port 8080 --api-key-file /state/key -a deepseek --metrics' +
        ' -cram 8192 --offline --no-ui --log-colors off -lv 4',
    )
  })

  it('explains every difference from the seed, with the numbers of this profile', () => {
    const { adaptations, reasonOf } = planned()
    expect(adaptations.map(({ flag }) => flag).join(' ')).toBe(
      '--spec-type -ctkd -ctvd -ngld -no-kvu -b -ub --host --api-key-file -a --metrics -cram --offline --no-ui' +
        ' --log-colors -lv',
    )
    expect(reasonOf('-no-kvu')).toMatch(/131,072 \/ 4 = 32,768 tokens for each slot/)
    expect(reasonOf('-ctkd')).toMatch(/131,072 cells.*2 bytes a value instead of 0\.5625 \(q4_0\)/)
    expect(reasonOf('-b')).toMatch(/512 tokens, instead of this build's default of 2048/)
    expect(adaptations.find(({ flag }) => flag === '--host')).toMatchObject({ seed: '--host 0.0.0.0' })
  })

  it('uses every flag it passes as the build lists it', () => {
    for (const build of ['b10068', 'b10434']) {
      const capabilities = parseLlamaHelp(readHelpText(build))
      const { argv } = planned({ unifiedKv: true }, readHelpText(build))
      for (let index = 1; index < argv.length; ) {
        const flag = argv[index] ?? ''
        expect(capabilities?.supports(flag), flag).toBe(true)
        index += 1 + (capabilities?.valueCount(flag) ?? 0)
      }
    }
  })

  it('leaves the log level alone if level 4 means something else', () => {
    const older = readHelpText('b10068').replace('- 4: trace (more info)', '')
    expect(planned({}, older).argv).not.toContain('-lv')
    expect(planned({ pinnedFlags: ['-lv', '2'] }).line).toMatch(/--log-colors off -lv 2$/)
  })

  it('gives one pool to all slots with a unified KV cache', () => {
    const { line, reasonOf, warnings } = planned({ unifiedKv: true })
    expect(line).toContain(' -kvu ')
    expect(reasonOf('-kvu')).toMatch(/one pool of 131,072 tokens shared by all 4 slots/)
    expect(warnings).toEqual([])
    const older = planned({ unifiedKv: true, contextTokens: 65_536 }, without(readHelpText('b10434'), '-kvu'))
    expect(older.line).not.toContain('kvu')
    expect(older.warnings[0]).toMatch(/65,536 \/ 4 = 16,384/)
    expect(older.warnings[1]).toMatch(/first turn can bring 30,000/)
  })

  it('drafts without --spec-type on a build that lacks it', () => {
    const { line, adaptations } = planned({}, without(readHelpText('b10434'), '--spec-type'))
    expect(line).toContain('-md /models/draft.gguf')
    expect(line).not.toContain('--spec-type')
    expect(adaptations.some(({ flag }) => flag === '--spec-type')).toBe(false)
  })

  it('leaves the draft model out if it would only idle', () => {
    const renamed = readHelpText('b10434').replaceAll('draft-simple', 'draft-plain')
    for (const result of [planned({}, renamed), planned({ speculation: 'none' })]) {
      expect(result.line).not.toMatch(/-md|--spec-type|-ctkd|-ngld/)
      expect(result.adaptations.find(({ flag }) => flag === '-md')).toMatchObject({
        seed: '-md /models/draft.gguf',
        ours: null,
      })
    }
    expect(planned({}, renamed).warnings[0]).toMatch(/runs without speculation/)
  })

  it('needs no draft model for ngram-mod', () => {
    const result = planned({ speculation: 'ngram-mod', draftModelPath: null })
    expect(result.line).toContain('--spec-type ngram-mod')
    expect(result.adaptations.some(({ flag }) => flag === '-md')).toBe(false)
    expect(planned({ speculation: 'ngram-mod' }).line).not.toContain('-md')
  })

  it('passes -fa only where it is a switch, never bare where it takes a value', () => {
    expect(planned().line).not.toContain('-fa')
    const old = readHelpText('b10434').replace(
      /^-fa, {3}--flash-attn \[on\|off\|auto\] {7}/m,
      '-fa,   --flash-attn                     ',
    )
    expect(planned({}, old).line).toContain(' -fa ')
    expect(planned({ cacheTypeV: 'f16' }, old).line).not.toContain('-fa')
  })

  it('spells the draft KV type as the build does', () => {
    const help = readHelpText('b10434')
      .replace('--spec-draft-type-k, -ctkd, --cache-type-k-draft TYPE', '--spec-draft-type-k TYPE')
      .replace('--spec-draft-type-v, -ctvd, --cache-type-v-draft TYPE', '--spec-draft-type-v TYPE')
    expect(planned({}, help).line).toContain('--spec-draft-type-k q4_0 --spec-draft-type-v q4_0')
  })

  it('turns on what other builds have off', () => {
    const help = readHelpText('b10434')
      .replace(
        'expose slots monitoring endpoint (default: enabled)',
        'expose slots monitoring endpoint (default: disabled)',
      )
      .replace(
        'whether to use jinja template engine for chat (default: enabled)',
        'use jinja template for chat (default: disabled)',
      )
      .replace(
        '--ui,  --webui, --no-ui, --no-webui     whether',
        '--no-webui                              Disable',
      )
    expect(planned({}, help).line).toMatch(/ --slots --no-webui .*--jinja/)
  })

  it('leaves out what a build lacks, and says so', () => {
    const { line, adaptations } = planned({}, without(readHelpText('b10434'), '--metrics'))
    expect(line).not.toContain('--metrics')
    expect(adaptations).toContainEqual({
      flag: '--metrics',
      seed: null,
      ours: null,
      reason: expect.stringMatching(/has no --metrics/),
      isLacking: true,
    })
  })

  it.each([
    ['a draft without a draft model', { draftModelPath: null }, readHelpText('b10434'), /draftModelPath/],
    [
      'a cache type the build does not list',
      { cacheTypeK: 'iq4_nl' },
      readHelpText('b10434').replaceAll('iq4_nl, ', ''),
      /iq4_nl/,
    ],
    [
      'the LAN without a key file',
      { host: '0.0.0.0' },
      without(readHelpText('b10434'), '--api-key-file'),
      /would serve every client/,
    ],
    ['slots that cannot be asked for', {}, without(readHelpText('b10434'), '-np'), /no -np/],
  ] as const)('refuses %s', (_what, changes, help, reason) => {
    expect(reasonsOf(plan(changes, help)).join(' ')).toMatch(reason)
  })

  it.each([
    [{ gpuLayers: 0 }, /^Without a GPU \(gpuLayers 0\) a q4_0 KV cache reads prompts 3 to 8 times slower/],
    [{ gpuLayers: 0, cacheTypeK: 'q8_0', cacheTypeV: 'f16' }, /a q8_0 KV cache/],
    [{ gpuLayers: 0, cacheTypeK: 'f16', cacheTypeV: 'q8_0' }, /a q8_0 KV cache/],
    [{ gpuLayers: 0, cacheTypeK: 'f16', cacheTypeV: 'bf16' }, null],
    [{ gpuLayers: 99 }, null],
  ] as const)('warns of a quantised KV cache on the CPU: %o', (changes, expected) => {
    const warnings = planned(changes).warnings.filter((warning) => warning.includes('GPU'))
    if (expected === null) expect(warnings).toEqual([])
    else expect(warnings).toEqual([expect.stringMatching(expected)])
  })

  it("says when one of its values is the build's default too", () => {
    expect(planned({ microBatchTokens: 512 }).adaptations.find(({ flag }) => flag === '-ub')?.reason).toMatch(
      /default too/,
    )
  })
})

describe('a build of November 2026', () => {
  it('gets the same line as the older ones, with explicit port and address', () => {
    expect(planned({}, newestHelpText()).argv).toEqual(planned({}, readHelpText('b10434')).argv)
    expect(planned({ unifiedKv: true }, newestHelpText()).line).toContain(' -kvu ')
  })

  it('listens on several addresses; an older build listens on one, and the reason says so', () => {
    const host = ['127.0.0.1', '100.64.0.7']
    const { line, adaptations } = planned({ host }, newestHelpText())
    expect(line).toContain(' --host 127.0.0.1,100.64.0.7 --port 8080 ')
    expect(adaptations.find(({ flag }) => flag === '--host')?.ours).toBe('--host 127.0.0.1,100.64.0.7')
    expect(reasonsOf(plan({ host }, readHelpText('b10434')))).toEqual([
      expect.stringMatching(/^llamaServer\.host lists 2 addresses, but this build .* listens on one/),
    ])
    expect(planned({ host: ['::1'] }, readHelpText('b10434')).argumentOf('--host')).toBe('::1')
    // One address of several that is not loopback needs the key file.
    const keyless = without(newestHelpText(), '--api-key-file')
    expect(reasonsOf(plan({ host }, keyless)).join()).toMatch(/every client that can reach 127\.0\.0\.1,100/)
  })

  it('takes a limit for each slot of one pool that a user pins', () => {
    const { line, warnings } = planned(
      { unifiedKv: true, pinnedFlags: ['--kv-unified-per-slot', '65536'] },
      newestHelpText(),
    )
    expect(line).toMatch(/ -kvu .* --kv-unified-per-slot 65536$/)
    expect(warnings).toEqual([])
  })
})

describe('pinned flags for loading the model', () => {
  const spelled = (help: string, ...pinnedFlags: string[]) => {
    const { argv, warnings } = planned({ pinnedFlags }, help)
    return { words: argv.slice(argv.indexOf('-lv') + 2), warnings }
  }

  it.each([
    [['--mlock'], '--load-mode mmap+mlock'],
    [['--no-mmap', '--mlock'], '--load-mode mlock'],
    [['--no_mmap'], '--load-mode none'],
    [['--mmap'], '--load-mode mmap'],
    [['-dio'], '--load-mode dio'],
    [['--threads', '4', '--no-direct-io'], '--threads 4 --load-mode auto'],
    [['-lm', 'mlock'], '-lm mlock'],
  ])('%j becomes %s on a build without the old flags', (pinned, expected) => {
    const { words, warnings } = spelled(newestHelpText(), ...pinned)
    expect(words.join(' ')).toBe(expected)
    expect(warnings).toEqual([])
  })

  it.each([
    ['mlock', '--no-mmap --mlock'],
    ['mmap+mlock', '--mmap --mlock'],
    ['none', '--no-mmap'],
    ['dio', '--direct-io'],
    ['auto', ''],
  ])('--load-mode %s becomes "%s" on a build without it', (mode, expected) => {
    const { words, warnings } = spelled(readHelpText('b10068'), '--load-mode', mode)
    expect(words.join(' ')).toBe(expected)
    expect(warnings).toEqual([])
  })

  it('stay unchanged on a build with both, and with an unknown mode', () => {
    expect(spelled(readHelpText('b10434'), '--mlock').words).toEqual(['--mlock'])
    expect(spelled(readHelpText('b10068'), '--load-mode', 'turbo').words).toEqual(['--load-mode', 'turbo'])
  })

  it('are explained in the plan', () => {
    const { adaptations } = planned({ pinnedFlags: ['--mlock'] }, newestHelpText())
    expect(adaptations.find(({ flag }) => flag.startsWith('--load-mode'))?.reason).toBe(
      'The profile pins --mlock, which this build of llama-server calls --load-mode mmap+mlock.',
    )
  })
})

describe('pinned flags', () => {
  it.each([
    [['--batch-size', '128'], '-b', '--batch-size 128'],
    [['--cache_ram', '0'], '-cram', '--cache_ram 0'],
    [['--kv-unified'], '-no-kvu', '--kv-unified'],
    [['--spec-type', 'none'], '--spec-type draft', '--spec-type none'],
    [['--webui'], '--no-ui', '--webui'],
  ])('put %j last and leave ours out', (pinnedFlags, ours, text) => {
    const { argv, line, adaptations } = planned({ pinnedFlags })
    expect(line).not.toContain(` ${ours} `)
    expect(argv.slice(-pinnedFlags.length)).toEqual(pinnedFlags)
    expect(adaptations.filter(({ reason }) => reason.startsWith('The profile pins'))).toMatchObject([
      { ours: text },
    ])
  })

  it('are passed unchanged, with a warning if the build will not accept them', () => {
    const pinnedFlags = ['--not-a-flag', '--draft-max', '8', '--mlock', '--threads', '4', '--temp', '-1']
    const { argv, warnings, adaptations } = planned({ pinnedFlags })
    expect(argv.slice(-pinnedFlags.length)).toEqual(pinnedFlags)
    expect(warnings).toMatchObject([
      expect.stringMatching(/--not-a-flag is not in/),
      expect.stringMatching(/--draft-max was removed/),
      expect.stringMatching(/--mlock is deprecated/),
    ])
    expect(adaptations.some(({ reason }) => reason.startsWith('The profile pins'))).toBe(false)
  })

  it('do not take a value for a flag', () => {
    const { line } = planned({ pinnedFlags: ['--chat-template', '-b'] })
    expect(line).toContain(' -b 512 ')
  })

  it('keep our key file too: llama-server accepts the keys of both', () => {
    const { line } = planned({ pinnedFlags: ['--api-key-file', '/theirs'] })
    expect(line).toMatch(/--api-key-file \/state\/key.*--api-key-file \/theirs/)
  })

  it.each([
    [['--port', '9000'], /set llamaServer\.port/],
    [['--host', '::'], /set llamaServer\.host/],
    [['-a', 'other'], /set llamaServer\.alias/],
    [['-c'], /-c without its value/],
  ])('refuse %j', (pinnedFlags, reason) => {
    expect(reasonsOf(plan({ pinnedFlags })).join(' ')).toMatch(reason)
  })
})

describe('the sampling', () => {
  const sampling = { temperature: 0.6, topP: 0.95 }

  it.each(['b10068', 'b10434'])('of the profile is passed to %s with its reason', (build) => {
    const { argumentOf, reasonOf } = planned({ sampling }, readHelpText(build))
    expect([argumentOf('--temp'), argumentOf('--top-p')]).toEqual(['0.6', '0.95'])
    expect(reasonOf('--temp')).toContain('llamaServer.sampling')
  })

  it('is not set if the profile has none, or if the user pinned it', () => {
    for (const nothing of [{}, { sampling: null }]) expect(planned(nothing).line).not.toContain('--temp')
    const pinned = planned({ sampling, pinnedFlags: ['--temp', '0.2'] })
    expect(pinned.line.match(/--temp /g)).toHaveLength(1)
    expect(pinned.argumentOf('--top-p')).toBe('0.95')
  })

  it('is listed as missing if the build has no flag for it', () => {
    const help = without(readHelpText('b10434'), '--top-p')
    const { line, adaptations } = planned({ sampling }, help)
    expect(line).not.toContain('--top-p')
    expect(adaptations).toContainEqual(expect.objectContaining({ flag: '--top-p', isLacking: true }))
  })
})

describe('the chat template', () => {
  const file = {
    kind: 'file',
    path: '/r/ours.jinja',
    toolless: false,
    reason: "The model's own drops tools.",
  } as const

  it.each(['b10068', 'b10434'])('of ours is passed to %s with its reason', (build) => {
    const { argumentOf, reasonOf } = planned({}, readHelpText(build), file)
    expect(argumentOf('--chat-template-file')).toBe('/r/ours.jinja')
    expect(reasonOf('--chat-template-file')).toContain('drops tools')
  })

  it('comes after --jinja, because some builds otherwise accept only built-in templates', () => {
    const help = readHelpText('b10068').replace(
      'whether to use jinja template engine for chat (default: enabled)',
      'use jinja template for chat (default: disabled)',
    )
    expect(planned({}, help, file).line).toMatch(/ --jinja --chat-template-file /)
  })

  it('of the model needs no flag; one without tools gives a warning', () => {
    expect(planned().line).not.toContain('--chat-template')
    expect(planned().warnings.join()).not.toContain('Tools')
    const toolless = { kind: 'own', toolless: true, reason: 'it never mentions the tools' } as const
    expect(planned({}, readHelpText('b10434'), toolless).warnings.join()).toContain(
      'Tools do not reach the model: it never mentions the tools.',
    )
  })

  it('pinned by the profile replaces ours', () => {
    const { line } = planned(
      { pinnedFlags: ['--chat-template-file', '/mine.jinja'] },
      readHelpText('b10434'),
      file,
    )
    expect(line).toContain('--chat-template-file /mine.jinja')
    expect(line).not.toContain('/r/ours.jinja')
  })
})
