// A pretended Mac for tests: commands that keep state, so that the darwin provider can run on any system.
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { createCommandRunner, type RunCommand } from '../run-command.ts'
import { answerCommand } from './mac-command.ts'
import { endAllJobs, freshLaunchd } from './mac-launchd.ts'
import type { TestMacState } from './mac-state.ts'

export interface TestMac {
  readonly folder: string
  readonly volumesFolder: string
  readonly run: RunCommand
  /** For PATH; null without executables. */
  readonly binaries: string | null
  read(): TestMacState
  /** Every command so far, its words joined by blanks. */
  journal(): readonly string[]
  change(update: (state: TestMacState) => void): void
  remove(): void
}

const commands = [
  'hdiutil',
  'diskutil',
  'mount',
  'lsof',
  'netstat',
  'ps',
  'sysctl',
  'vm_stat',
  'ifconfig',
  'ioreg',
  'launchctl',
  'route',
  'pmset',
  'mdutil',
  'defaults',
  'screen',
  'caffeinate',
]

/**
 * With `executables`, every command is a process of its own, found on PATH, as on a real Mac; without, the same
 * answers are given in this process, twenty times faster.
 */
export const createTestMac = ({ executables }: { readonly executables: boolean }): TestMac => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nexus-mac-')))
  const volumesFolder = join(folder, 'Volumes')
  mkdirSync(volumesFolder)
  const statePath = join(folder, 'state.json')
  const journalPath = `${statePath}.journal`
  /** Whole at once: commands that run meanwhile read it. */
  const write = (state: TestMacState) => {
    writeFileSync(`${statePath}.next`, JSON.stringify(state))
    renameSync(`${statePath}.next`, statePath)
  }
  const read = (): TestMacState => JSON.parse(readFileSync(statePath, 'utf8'))
  const change = <T>(update: (state: TestMacState) => T): T => {
    const state = read()
    const result = update(state)
    write(state)
    return result
  }
  writeFileSync(journalPath, '')
  write({
    isRoot: false,
    volumesFolder,
    nextDisk: 4,
    images: [],
    otherMounts: [],
    jobs: {},
    launchd: freshLaunchd,
    guiSession: true,
    holders: [],
    processes: [],
    seesRealProcesses: false,
    screens: [],
    power: { sleepMinutes: 0, restarts: true },
    autoLoginUser: null,
    firewall: { isOn: false, rules: {} },
    failing: {},
    replies: {},
  })
  const answerHere: RunCommand = async ([command, ...args]) => {
    appendFileSync(journalPath, `${[command, ...args].join(' ')}\n`)
    return { kind: 'exited', ...change((state) => answerCommand(state, command, args)) }
  }
  const binaries = executables ? writeExecutables(folder, statePath) : null
  return {
    folder,
    volumesFolder,
    run: binaries === null ? answerHere : createCommandRunner(binaries),
    binaries,
    read,
    journal: () => readFileSync(journalPath, 'utf8').split('\n').slice(0, -1),
    change,
    remove: () => {
      endAllJobs(read())
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Answers the folder for PATH. Nothing else is on it: what is not pretended must fail, not run this system's own. */
const writeExecutables = (folder: string, statePath: string): string => {
  const binaries = join(folder, 'bin')
  const program = join(folder, 'command.mjs')
  mkdirSync(binaries)
  // Commands run side by side: the state is replaced whole, and only by one that changes it.
  const main = `
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { answerCommand } from './mac-command.ts'
const [command, statePath, ...args] = process.argv.slice(2)
appendFileSync(statePath + '.journal', [command, ...args].join(' ') + '\\n')
const text = readFileSync(statePath, 'utf8')
const state = JSON.parse(text)
const reply = answerCommand(state, command, args)
const changed = JSON.stringify(state)
if (changed !== text) {
  writeFileSync(statePath + '.new', changed)
  renameSync(statePath + '.new', statePath)
}
process.stdout.write(reply.stdout)
process.stderr.write(reply.stderr)
process.exitCode = reply.exitCode
`
  // Translated once here, into one file: plain JavaScript starts in half the time.
  buildSync({
    stdin: { contents: main, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: program,
  })
  for (const command of commands) {
    const path = join(binaries, command)
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${program}" ${command} "${statePath}" "$@"\n`)
    chmodSync(path, 0o755)
  }
  return binaries
}
