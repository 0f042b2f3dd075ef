// Searches output for keys and control characters, which must never appear.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StateFolder } from '../electron/core/config/state-folder.ts'
import { listPids, readArgv } from './processes.ts'

export interface Traces {
  /** Findings in a text for people or strangers, as sentences. */
  find(text: string, where: string): readonly string[]
  /** Only keys: for bytes that no terminal shows. */
  findKeys(text: string, where: string): readonly string[]
  /** The same for all logs and command lines. */
  findInFolder(): readonly string[]
}

/** C0 and C1 except tab, line feed and carriage return, and bidirectional controls (unicode.org/reports/tr9, 3.1). */
const obeyed = /(?![\t\n\r])[\p{Cc}\p{Bidi_Control}]/u

const findControl = (text: string, where: string): readonly string[] => {
  const found = obeyed.exec(text)
  if (found === null) return []
  const around = text.slice(Math.max(0, found.index - 30), found.index + 30)
  return [`${where} U+${found[0].charCodeAt(0).toString(16).padStart(4, '0')} in ${JSON.stringify(around)}`]
}

const readKeys = (keysDir: string): readonly string[] =>
  readdirSync(keysDir).flatMap((name) =>
    [...readFileSync(join(keysDir, name), 'utf8').matchAll(/sk-[A-Za-z0-9_-]{8,}/g)].map(([key]) => key),
  )

export const createTraces = ({ keysDir, logsDir }: Pick<StateFolder, 'keysDir' | 'logsDir'>): Traces => {
  const findKeys = (text: string, where: string) => {
    // Read again: a round may have created new ones.
    const key = readKeys(keysDir).find((each) => text.includes(each))
    return key === undefined ? [] : [`${where} a key (${key.slice(0, 10)}...)`]
  }
  return {
    findKeys,
    find: (text, where) => [...findKeys(text, where), ...findControl(text, where)],
    findInFolder: () => [
      ...readdirSync(logsDir).flatMap((name) =>
        findKeys(readFileSync(join(logsDir, name), 'utf8'), `the log ${name} has`),
      ),
      ...listPids().flatMap((pid) =>
        findKeys(readArgv(pid)?.join(' ') ?? '', `the command line of pid ${pid} has`),
      ),
    ],
  }
}
