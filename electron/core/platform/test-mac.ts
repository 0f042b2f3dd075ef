// A pretended Mac for tests: commands that keep state, so that the darwin provider can run on any system.
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { createCommandRunner, type RunCommand } from './run-command.ts'
import { answerCommand } from './test-mac-command.ts'
import type { TestMacState } from './test-mac-state.ts'

export interface TestMac {
  readonly folder: string
  readonly volumesFolder: string
  readonly run: RunCommand
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
  const write = (state: TestMacState) => writeFileSync(statePath, JSON.stringify(state))
  const read = (): TestMacState => JSON.parse(readFileSync(statePath, 'utf8'))
  const change = <T>(update: (state: TestMacState) => T): T => {
    const state = read()
    const result = update(state)
    write(state)
    return result
  }
  writeFileSync(journalPath, '')
  write({
    volumesFolder,
    nextDisk: 4,
    images: [],
    otherMounts: [],
    jobs: {},
    guiSession: true,
    holders: [],
    failing: {},
    replies: {},
  })
  const answerHere: RunCommand = async ([command, ...args]) => {
    appendFileSync(journalPath, `${[command, ...args].join(' ')}\n`)
    return { kind: 'exited', ...change((state) => answerCommand(state, command, args)) }
  }
  return {
    folder,
    volumesFolder,
    run: executables ? createCommandRunner(writeExecutables(folder, statePath)) : answerHere,
    read,
    journal: () => readFileSync(journalPath, 'utf8').split('\n').slice(0, -1),
    change,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Answers the folder for PATH. Nothing else is on it: what is not pretended must fail, not run this system's own. */
const writeExecutables = (folder: string, statePath: string): string => {
  const binaries = join(folder, 'bin')
  const program = join(folder, 'command.mjs')
  mkdirSync(binaries)
  // Translated once here: plain JavaScript starts in half the time.
  const source = readFileSync(new URL('./test-mac-command.ts', import.meta.url), 'utf8')
  // Commands run side by side: the state is replaced whole, and only by one that changes it.
  const main = `
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
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
  writeFileSync(program, transformSync(source, { loader: 'ts', format: 'esm' }).code + main)
  for (const command of commands) {
    const path = join(binaries, command)
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${program}" ${command} "${statePath}" "$@"\n`)
    chmodSync(path, 0o755)
  }
  return binaries
}
