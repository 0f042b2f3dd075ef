// Installs Debian packages that set-up needs; without root, prints the exact command.
import { runInstaller } from './run-installer.ts'

export interface DebianPackageRequest {
  readonly names: readonly string[]
  /** What doesn't work without them, as the first half of a sentence. */
  readonly why: string
  readonly signal: AbortSignal
  readonly say: (message: string) => void
}

const aptGet = (args: readonly string[], signal: AbortSignal) =>
  runInstaller(['apt-get', ...args], {
    signal,
    env: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  })

export const ensureDebianPackages = async ({
  names,
  why,
  signal,
  say,
}: DebianPackageRequest): Promise<void> => {
  const hasApt = process.platform === 'linux' && !(await aptGet(['--version'], signal)).failed
  const list = names.join(' ')
  if (!hasApt) throw new Error(`${why}: install what Debian calls ${list}`)
  if (process.getuid?.() !== 0) throw new Error(`${why}: run as root: apt-get install ${list}`)
  say(`Installing the Debian ${names.length === 1 ? 'package' : 'packages'} ${list}`)
  // Waits for another apt instead of failing immediately (apt.conf(5), DPkg::Lock::Timeout).
  const install = ['install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...names]
  if (!(await aptGet(install, signal)).failed) return
  // A fresh machine has no package lists yet.
  await aptGet(['update'], signal)
  const second = await aptGet(install, signal)
  if (second.failed) {
    const lastLines = (second.all ?? '').trim().split('\n').slice(-5).join('\n  ')
    throw new Error(`${why}, and "apt-get install ${list}" failed:\n  ${lastLines}`)
  }
}
