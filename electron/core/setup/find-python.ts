// Finds a Python for LiteLLM by running it: a pyenv shim or a stub has the name without being a Python.
import { runBounded } from '../base/run-bounded.ts'
import { ensureDebianPackages } from './debian-package.ts'
import { brewInstall } from './homebrew.ts'

/** The lock file has wheels for these (checked with uv for Linux x86-64, Linux arm64 and macOS arm64). */
export const oldestPython = [3, 10] as const
export const newestPython = [3, 14] as const

export type Python = Readonly<NonNullable<ReturnType<typeof parsePythonAnswer>>> & { readonly path: string }

const question = `
import importlib.util as u, sys
print("nexus-python", sys.version_info[0], sys.version_info[1], int(bool(u.find_spec("venv") and u.find_spec("ensurepip"))))
`

/**
 * null when the text isn't an answer to our question. `hasVenv`: whether it can create a virtual environment with pip, which
 * Debian moves to python3-venv.
 */
export const parsePythonAnswer = (stdout: string) => {
  const match = /^nexus-python (\d+) (\d+) ([01])$/m.exec(stdout)
  return match === null
    ? null
    : { major: Number(match[1]), minor: Number(match[2]), hasVenv: match[3] === '1' }
}

export type PythonChoice =
  | { readonly kind: 'python'; readonly python: Python }
  | { readonly kind: 'needs-venv'; readonly python: Python }
  | { readonly kind: 'none'; readonly reason: string }

/** Picks the first that fits; one without venv only when there is no other. */
export const choosePython = (found: readonly Python[]): PythonChoice => {
  const fitting = found.filter(
    ({ major, minor }) => major === 3 && minor >= oldestPython[1] && minor <= newestPython[1],
  )
  const complete = fitting.find(({ hasVenv }) => hasVenv)
  if (complete !== undefined) return { kind: 'python', python: complete }
  const [bare] = fitting
  if (bare !== undefined) return { kind: 'needs-venv', python: bare }
  const range = `Python ${oldestPython.join('.')} to ${newestPython.join('.')}`
  const others = found.map(({ path, major, minor }) => `${path} is ${major}.${minor}`).join(', ')
  return {
    kind: 'none',
    reason: others === '' ? `${range} is needed, but none was found` : `${range} is needed; ${others}`,
  }
}

const askPython = async (path: string, signal: AbortSignal): Promise<Python | null> => {
  const result = await runBounded(
    path,
    ['-c', question],
    { timeoutMs: 15_000, signal },
    { env: { LC_ALL: 'C' } },
  )
  signal.throwIfAborted()
  const facts = parsePythonAnswer(result.stdout ?? '')
  return facts === null ? null : { path, ...facts }
}

/** In order of preference. Includes Homebrew's folder, which isn't on launchd's PATH. */
const candidates = (platform: NodeJS.Platform): readonly string[] => {
  const names = ['python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python3.14']
  return platform === 'darwin' ? [...names, ...names.map((name) => `/opt/homebrew/bin/${name}`)] : names
}

const installHint = (platform: NodeJS.Platform): string =>
  platform === 'darwin'
    ? `run: ${brewInstall(['python'])}`
    : 'run as root: apt-get install python3 python3-venv'

const findFirst = async (signal: AbortSignal): Promise<PythonChoice> => {
  const configured = process.env['NEXUS_PYTHON']
  if (configured) {
    const python = await askPython(configured, signal)
    if (python === null) throw new Error(`NEXUS_PYTHON is "${configured}", which does not run as Python`)
    return choosePython([python])
  }
  const found: Python[] = []
  for (const candidate of candidates(process.platform)) {
    const python = await askPython(candidate, signal)
    if (python !== null) found.push(python)
    if (python !== null && choosePython([python]).kind === 'python') break
  }
  return choosePython(found)
}

/** Whether there is a Python for LiteLLM, or one that set-up can complete. */
export const hasPython = async (signal: AbortSignal): Promise<boolean> =>
  (await findFirst(signal)).kind !== 'none'

/** A Python of a supported version with venv; NEXUS_PYTHON overrides the search. */
export const ensurePython = async (signal: AbortSignal, say: (message: string) => void): Promise<Python> => {
  const choice = await findFirst(signal)
  switch (choice.kind) {
    case 'python':
      return choice.python
    case 'none':
      throw new Error(`${choice.reason}; ${installHint(process.platform)}`)
    case 'needs-venv': {
      const { python } = choice
      const name = `python${python.major}.${python.minor}-venv`
      const why = `${python.path} cannot create virtual environments`
      await ensureDebianPackages({ names: [name], why, signal, say })
      const again = await askPython(python.path, signal)
      if (again?.hasVenv !== true) {
        throw new Error(
          `${python.path} cannot create virtual environments even with ${name}; set NEXUS_PYTHON to another one`,
        )
      }
      return again
    }
  }
}
