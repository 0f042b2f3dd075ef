// `nexus plan --profile studio` from start to end, on header-only files and a llama-server that only prints its help.
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { locateStateFolder } from '../../core/config/state-folder.ts'
import { type MadeValue, makeGguf, makePairs } from '../../core/gguf/test-support/made-gguf.ts'
import { writeAllocations } from '../../core/memory/allocations.ts'
import { createPlatform } from '../../core/platform/detect-platform.ts'
import { writeIntent } from '../../core/stack/intent.ts'
import { nameProcess, openLedger } from '../../core/supervise/ledger.ts'
import { parseArguments } from '../arguments.ts'
import type { CliContext } from '../context.ts'
import { readAnyProfile } from '../profile-choice.ts'
import { runPlan } from './plan.ts'

const core = join(import.meta.dirname, '..', '..', 'core')
const model = join(core, 'gguf/fixtures/DeepSeek-R1-Distill-Llama-70B-Q8_0.header.gguf')
const draft = join(core, 'gguf/fixtures/Llama-3.2-3B-Instruct-Q4_K_M.header.gguf')

const splitPairs = ['split.no', 'split.count', 'split.tensors.count'].map(
  (key, index): readonly [string, MadeValue] => [key, { type: 'u16', value: index * 2 }],
)

let home = ''
let printed: string[] = []

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nexus-plan-'))
  printed = []
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const writeServer = (): string => {
  const path = join(home, 'llama-server')
  const help = join(core, '../../resources/llama-help/b10068.txt')
  writeFileSync(
    path,
    `#!/bin/sh\ncase "$*" in *--version*) echo 'version: 1 (571d0d5)' ;; *) cat '${help}' ;; esac\n`,
  )
  chmodSync(path, 0o755)
  return path
}

const createContext = (platformId: 'darwin' | 'linux' = 'linux'): CliContext => {
  const folder = locateStateFolder({ NEXUS_HOME: home }, 'linux', home)
  const binaryPath = writeServer()
  writeFileSync(
    folder.configPath,
    JSON.stringify({
      profiles: { studio: { llamaServer: { binaryPath, modelPath: model, draftModelPath: draft } } },
    }),
  )
  return {
    folder,
    platform: {
      ...createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
      id: platformId,
      readTotalMemoryBytes: async () => 24 * 1024 ** 3,
      readGpuUse: async () => ({ busyPercent: 54, usedBytes: 109_000_000_000 }),
    },
    resourcesDir: join(import.meta.dirname, '../../../resources'),
    env: {},
    entryPath: '',
    stdoutIsTerminal: false,
    color: false,
    width: 80,
    print: (line) => void printed.push(...line.split('\n')),
    printError: (line) => void printed.push(line),
    onOutputLost: () => () => {},
  }
}

const plan = (...words: string[]): Promise<number> => planOn('linux', ...words)

const planOn = (platformId: 'darwin' | 'linux', ...words: string[]): Promise<number> => {
  const command = parseArguments(['plan', '--profile', 'studio', ...words])
  if (command.name !== 'plan') throw new Error('not a plan')
  return runPlan(command, createContext(platformId))
}

const row = (label: string): string => printed.find((line) => line.startsWith(label)) ?? `no row ${label}`

it('prints the map of the Studio, its verdict, the command line and a reason for every flag, on any machine', async () => {
  expect(await plan('--memory-gb', '256')).toBe(0)
  for (const [label, seed] of [
    ['AI Engine (weights)', '78 GB'],
    ['Speculative draft model', '3 GB'],
    ['Build Forge (RAM disk)', '64 GB'],
    ['Agent context (KV cache)', '40 GB'],
    ['Operating system', '20 GB'],
    ['Linker reserve', '51 GB'],
  ] as const) {
    expect(row(label)).toMatch(/\d+\.\d\d GiB/)
    expect(row(label)).toContain(seed)
  }
  expect(row('AI Engine (weights)')).toContain('69.82 GiB')
  // 8 GiB less than with --cache-ram: what has no slot waits in files.
  expect(row('Together')).toMatch(/24\d\.\d\d GiB\s+256 GB$/)
  expect(printed.join('\n')).toContain('of ~192.00 GiB,')
  expect(printed).toContain('Verdict: fits')
  const from = printed.indexOf("Why it differs from the seed's line")
  const reasons = printed.slice(from).join('\n')
  const flags = printed.slice(0, from).flatMap((line) => /^ {4}(--?[a-z-]+)/.exec(line)?.[1] ?? [])
  expect(flags.length).toBeGreaterThan(15)
  for (const flag of flags) expect(reasons).toContain(` ${flag}`)
  // What is there to be copied (paths, the command) stays whole; all else keeps to the terminal.
  const long = printed.filter((line) => line.length > 80 && !line.includes('/'))
  expect(long).toEqual([])
})

it('explains on a Mac that the RAM disk can be swapped, and what wires it', async () => {
  await planOn('darwin', '--memory-gb', '256')
  const text = printed.join(' ').replaceAll(/\s+/g, ' ')
  expect(text).toContain('a plain ram:// disk can be compressed and swapped')
  expect(text).toContain('sudo hdik -nomount ram://134217728')
  printed.length = 0
  await plan('--memory-gb', '256')
  expect(printed.join(' ')).not.toContain('ram://')
})

it('opens no port: the studio has a published key, and this machine may never run it', async () => {
  await plan('--memory-gb', '256')
  expect(readdirSync(join(home, 'keys'))).toEqual(['engine.key'])
})

it('shows the map with the problems that make the profile impossible here', async () => {
  expect(await plan()).toBe(1)
  expect(row('AI Engine (weights)')).toContain('78 GB')
  expect(printed).toContain('Verdict: does not fit')
  expect(printed.join('\n')).toContain(
    "ramDisk.sizeMiB: found 65536; allowed: less than this machine's memory",
  )
})

it.each([
  ['a web page', '<!doctype html><title>404</title>'.padEnd(64)],
  ['a projector', makeGguf({ pairs: makePairs('clip') })],
  ['a first part without the second', makeGguf({ pairs: [...makePairs('llama'), ...splitPairs] })],
])('ends with 1 for %s in the place of a model', async (_, content) => {
  const path = join(home, 'model-00001-of-00002.gguf')
  writeFileSync(path, content)
  expect(await plan('--model', path, '--memory-gb', '256')).toBe(1)
  expect(printed.join('\n')).toContain('Memory: not known')
})

it("exits with 1 if one file can't be served, though the other is not fetched yet", async () => {
  const [page, later] = [join(home, 'page.gguf'), join(home, 'later.gguf')]
  writeFileSync(page, '<!doctype html><title>404</title>'.padEnd(64))
  expect(await plan('--model', page, '--draft', later, '--memory-gb', '256')).toBe(1)
  expect(await plan('--model', later, '--draft', page, '--memory-gb', '256')).toBe(1)
  expect(printed.join('\n')).toContain(`${page}: `)
  expect(await plan('--model', later, '--draft', draft, '--memory-gb', '256')).toBe(0)
})

it('exits with 0 for a model that is not fetched yet', async () => {
  expect(await plan('--model', join(home, 'later.gguf'), '--memory-gb', '256')).toBe(0)
  expect(printed.join('\n')).toContain('later.gguf: no such file')
})

it('plans for files from the command line, with everything in JSON', async () => {
  expect(await plan('--model', draft, '--memory-gb', '256', '--json')).toBe(0)
  const said: unknown = JSON.parse(printed.join('\n'))
  expect(said).toMatchObject({
    profile: 'studio',
    totalMemoryBytes: 274_877_906_944,
    problems: [],
    engine: { argv: expect.arrayContaining(['-m', draft]) },
    memory: { kind: 'planned', plan: { verdict: 'fits' } },
  })
})

/** This test's own process stands for the llama-server that the ledger names. */
const pretendRunning = async (context: CliContext, contextTokens: number): Promise<void> => {
  const { profile } = readAnyProfile(context, 'studio')
  const identity = await context.platform.processes.readIdentity(process.pid)
  if (identity === null) throw new Error('no identity of its own')
  const llamaServer = { ...profile.llamaServer, contextTokens }
  writeIntent(context.folder.intentPath, {
    version: 1,
    up: ['llamaServer'],
    profileName: 'studio',
    profile: { ...profile, llamaServer },
  })
  const entry = {
    service: 'llamaServer',
    ...identity,
    argv: ['llama-server'],
    profile: 'studio',
    spawnedAtMs: 0,
    logMark: { previous: 0, offset: 0 },
  } as const
  openLedger(context.folder.ledgerPath).record({ ...entry, argv: [...entry.argv] })
  const target = { copiedBytes: 0, mappedDevices: 1, kvBytes: 29_444_014_080, computeBytes: 480_000_000 }
  writeAllocations(context.folder.allocationsPath, nameProcess({ ...entry, argv: [...entry.argv] }), {
    target: { ...target, modelBytes: 74_000_000_000 },
    draft: null,
  })
}

it('shows allocated beside planned memory while it runs with these settings', async () => {
  await pretendRunning(createContext(), 319_488)
  await plan('--memory-gb', '256')
  const from = printed.indexOf('It is running; llama-server reports these allocations:')
  expect(printed.slice(from + 1, from + 4)).toEqual([
    'Memory                               planned   allocated    off by',
    'AI Engine (weights)                69.82 GiB   68.92 GiB    -1.3 %',
    'Agent context (KV cache)           27.42 GiB   27.42 GiB    +0.0 %',
  ])
  expect(printed).toContain('The GPU holds 101.51 GiB for all programs, and is 54 % busy.')
})

it('compares nothing while it runs with other settings', async () => {
  await pretendRunning(createContext(), 131_072)
  await plan('--memory-gb', '256')
  expect(printed).toContain('Verdict: fits')
  expect(printed.join('\n')).not.toContain('It is running; llama-server reports')
})
