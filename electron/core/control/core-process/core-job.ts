// The core as a launchd job: its label and plist. Pure.
import { createHash } from 'node:crypto'
import type { LaunchdJobSpec } from '../../platform/launchd/plist.ts'
import { type CoreProgram, coreArgv, coreVariables } from './core-program.ts'
import { servicePath, stablePath } from './stable-node.ts'

/**
 * Never the installed service's label (ai.opta.nexus): that job stands by while this one has the lock, and an unloaded label
 * stays taken for seconds, so the two must not share one. Unchanged between releases: macOS ties grants to it.
 */
const baseLabel = 'ai.opta.nexus.core'

/** @param defaultRoot the user's state folder without NEXUS_HOME; any other folder gets its own label */
export const coreLabel = (root: string, defaultRoot: string): string =>
  root === defaultRoot
    ? baseLabel
    : `${baseLabel}.${createHash('sha256').update(root).digest('hex').slice(0, 8)}`

/**
 * Variables that set-up in the core needs from the program that started it. No keys, no URLs with a password: `launchctl print`
 * shows a job's environment to every user.
 */
const passedOn = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'LANG',
  'PIP_INDEX_URL',
  'PIP_CONFIG_FILE',
  // Where set-up looks for Python, llama-server and cargo.
  'NEXUS_PYTHON',
  'HOMEBREW_PREFIX',
  'CARGO_HOME',
  // The bundle's resources, and the app that it came with.
  'NEXUS_ROOT',
  'NEXUS_APP',
  'NODE_COMPILE_CACHE',
  // A mirror of the Hub, and the model folders of other programs. HF_TOKEN comes with the command that needs it.
  'HF_ENDPOINT',
  'HF_HOME',
  'HF_HUB_CACHE',
  'LLAMA_CACHE',
  'OLLAMA_MODELS',
] as const

const hasPassword = (value: string): boolean => value.includes('@')

export const coreJobSpec = (
  program: CoreProgram,
  { label, homeDir }: { readonly label: string; readonly homeDir: string },
): LaunchdJobSpec => {
  const nodePath = stablePath(program.nodePath)
  const passed = passedOn.flatMap((name) => {
    const value = program.env[name]
    return value === undefined || value === '' || hasPassword(value) ? [] : [[name, value] as const]
  })
  return {
    label,
    argv: coreArgv({ ...program, nodePath }),
    env: {
      ...Object.fromEntries(passed),
      ...coreVariables(program),
      // Reports differ on whether launchd sets this.
      HOME: homeDir,
      PATH: servicePath(nodePath),
    },
    logPath: program.folder.logPath('core'),
    lifetime: 'once',
    userName: null,
  }
}
