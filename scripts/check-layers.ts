// Which folders of electron/ may import from which, types included. scripts/check fails on an upward import.
//   node scripts/check-layers.ts [ROOT]
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import { type Expression, parseSync, Visitor } from 'oxc-parser'

/** Lowest first: each imports only from earlier ones. ARCHITECTURE.md describes each. */
const layers = [
  'contract',
  'wording',
  'core/base',
  'core/platform',
  'core/logs',
  'core/access',
  'core/setup',
  'core/gguf',
  'core/config',
  'core/supervise',
  'core/engine',
  'core/memory',
  'core/models',
  'core/router',
  'core/forge',
  'core/observe',
  'core/stack',
  'core/control',
  'core/autostart',
  'core/metrics',
  'core/clients',
  'core/agents-file',
  'core/try-claude',
  'core/model-bench',
  'core/selfcheck',
  'core/doctor',
  'core/answers',
  'core/host',
  'shell',
  'cli',
]

/** Takes a path below electron/. null: the file is in no folder, such as `main.ts`, which may import from all. */
const folderOf = (path: string): string | null => {
  const folders = path.split('/').slice(0, -1)
  const depth = folders[0] === 'core' ? 2 : 1
  return folders.length < depth ? null : folders.slice(0, depth).join('/')
}

const isTestOnly = (path: string): boolean => path.includes('/test-support/') || path.endsWith('.test.ts')

interface Import {
  /** As written, such as `../base/first-of.ts`. */
  readonly specifier: string
  readonly line: number
}

const importNodes = [
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]

/** Every import of a file of ours: statements, re-exports, `import()` and types by `import('./x.ts')`. */
const parseImports = (path: string, source: string): readonly Import[] => {
  const { program, errors } = parseSync(path, source)
  const [error] = errors
  if (error !== undefined) throw new Error(`${path} cannot be parsed: ${error.message}`)
  const imports: Import[] = []
  const add = ({ source: from }: { readonly source: Expression | null }) => {
    // A computed `import()` cannot be judged.
    if (from?.type !== 'Literal' || typeof from.value !== 'string' || !from.value.startsWith('.')) return
    imports.push({ specifier: from.value, line: source.slice(0, from.start).split('\n').length })
  }
  new Visitor(Object.fromEntries(importNodes.map((type) => [type, add]))).visit(program)
  return imports
}

/** Why this import is not allowed; null when it is. Takes paths below electron/. */
const judgeImport = (from: string, to: string): string | null => {
  if (isTestOnly(to) && !isTestOnly(from)) return 'which is for tests: shipped code must not import it'
  const folder = folderOf(from)
  const wanted = folderOf(to)
  if (folder === null || wanted === null || folder === wanted) return null
  const below = layers.slice(0, layers.indexOf(folder))
  if (below.includes(wanted)) return null
  const where = layers.includes(wanted) ? 'above it' : 'in no layer'
  return `which is ${where}: ${folder} may import from ${below.length === 0 ? 'no other folder' : below.join(', ')}`
}

/** @returns one line per violation, with the file, what was found and what is allowed */
const findFaults = (root: string): readonly string[] => {
  const electron = join(root, 'electron')
  const paths = readdirSync(electron, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(?:ts|mjs)$/.test(path),
  )
  return paths.sort().flatMap((path) => {
    const folder = folderOf(path)
    if (folder === null && path.startsWith('core/'))
      return [`electron/${path}: electron/core holds folders only: move it into one`]
    if (folder !== null && !layers.includes(folder))
      return [`electron/${path}: ${folder} is in no layer: add it to the list in scripts/check-layers.ts`]
    return parseImports(`electron/${path}`, readFileSync(join(electron, path), 'utf8')).flatMap(
      ({ specifier, line }) => {
        const fault = judgeImport(path, posix.join(posix.dirname(path), specifier))
        return fault === null ? [] : [`electron/${path}:${line} imports ${specifier}, ${fault}`]
      },
    )
  })
}

const faults = findFaults(resolve(process.argv[2] ?? join(import.meta.dirname, '..')))
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
