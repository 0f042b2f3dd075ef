// Where cargo builds, from its environment and config file: as much TOML as that one key needs.

export type BuildDirSetting =
  | { readonly kind: 'absent'; readonly hasBuildTable: boolean }
  | { readonly kind: 'set'; readonly value: string }
  /** Written in a way that this reader does not follow. */
  | { readonly kind: 'unclear'; readonly reason: string }

/**
 * `build-dir` of `[build]` (doc.rust-lang.org/cargo/reference/config.html#buildbuild-dir). Anything beyond plain tables
 * and one-line strings is said to be unclear instead of being guessed.
 */
export const parseCargoBuildDir = (toml: string): BuildDirSetting => {
  let table = ''
  let hasBuildTable = false
  for (const raw of toml.split(/\r?\n/)) {
    const line = raw.trim()
    if (/"""|'''/.test(line)) return { kind: 'unclear', reason: 'it has text over several lines' }
    const header = /^\[\s*([^[\]]+?)\s*\]\s*(?:#.*)?$/.exec(line)?.[1]
    if (header !== undefined || line.startsWith('[[')) {
      table = header ?? ''
      hasBuildTable ||= table === 'build'
      continue
    }
    const [, key = '', value = ''] = /^([^=#]+?)\s*=\s*(.*)$/.exec(line) ?? []
    if (table === '' && key === 'build')
      return { kind: 'unclear', reason: 'build is written as an inline table' }
    const name = (table === '' ? key : `${table}.${key}`).replaceAll(/["'\s]/g, '')
    if (name === 'build.build-dir') return parseString(value)
  }
  return { kind: 'absent', hasBuildTable }
}

const parseString = (text: string): BuildDirSetting => {
  const match = /^(?:"([^"\\]*)"|'([^']*)')\s*(?:#.*)?$/.exec(text)
  const value = match?.[1] ?? match?.[2]
  return value === undefined
    ? { kind: 'unclear', reason: `build-dir is ${text.slice(0, 60)}` }
    : { kind: 'set', value }
}
