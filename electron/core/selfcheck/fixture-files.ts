// Turns evidence into fixture files with an index, in the format of the parsers' test recordings.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isErrno } from '../base/private-file.ts'
import type { Redact } from './redact.ts'
import type { ProbeRun } from './run-probes.ts'

type FixtureFile = ReturnType<typeof planFixtureFiles>[number]

/** One file per distinct output, such as hdiutil/info-macos26.1.txt, and stderr separately. Pure. */
export const planFixtureFiles = (
  runs: readonly Pick<ProbeRun, 'probe' | 'evidence'>[],
  redact: Redact,
  /** `versionLabel` ends each file's name, such as macos26.1. */
  { versionLabel, host, source }: Readonly<Record<'versionLabel' | 'host' | 'source', string>>,
) => {
  const files: { file: string; text: string; index: Readonly<Record<string, string>> }[] = []
  const seen = new Set<string>()
  const counts = new Map<string, number>()
  const add = (folder: string, what: string, mark: string, text: string, cmdline: string, note: string) => {
    // Keep an identical output only once, even if several probes ran the command.
    const key = JSON.stringify([cmdline, mark, text, note.split('; ')[0]])
    if (text === '' || seen.has(key)) return
    seen.add(key)
    const name = `${folder}/${what}`
    const count = (counts.get(`${name}${mark}`) ?? 0) + 1
    counts.set(`${name}${mark}`, count)
    const file = `${name}${count === 1 ? '' : `-${count}`}-${versionLabel}${mark}.txt`
    files.push({ file, text, index: { file, cmdline, host, source, status: 'verbatim, redacted', note } })
  }
  for (const { probe, evidence } of runs)
    for (const each of evidence) {
      if (each.kind === 'text') {
        add(slug(each.source), slug(each.what), '', redact(each.text), each.what, `probe ${probe.id}`)
        continue
      }
      const { argv, result } = each
      const cmdline = redact(argv.join(' '))
      const [folder, what] = nameOf(argv)
      if (result.kind === 'not-run') continue
      const note = `exit status ${result.exitCode}; probe ${probe.id}`
      add(folder, what, '', redact(result.stdout), cmdline, note)
      add(folder, what, '-stderr', redact(result.stderr), cmdline, note)
    }
  return files
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '') || 'plain'

/** The command and its meaningful arguments: no paths, numbers or labels. */
const nameOf = ([file = 'unknown', ...args]: readonly string[]): readonly [string, string] => {
  const words = args.filter((word) => /^-{0,2}[A-Za-z][A-Za-z-]*$/.test(word)).slice(0, 4)
  return [slug(basename(file)), slug(words.join('-'))]
}

/** Throws when the folder is not empty. */
export const ensureEmptyFolder = (folder: string): void => {
  try {
    const [first] = readdirSync(folder)
    if (first !== undefined)
      throw new Error(`${folder} already contains ${first}; allowed: a new or an empty folder`)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
}

export const writeFixtureFiles = (folder: string, files: readonly FixtureFile[]): void => {
  for (const { file, text } of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  const lines = files.map(({ index }) => `${JSON.stringify(index)}\n`)
  writeFileSync(join(folder, 'INDEX.jsonl'), lines.join(''))
}
