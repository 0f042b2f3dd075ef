// Which cargo builds here, and how it can use a RAM disk.
import { runBounded } from '../base/run-bounded.ts'

export type CargoVersion = Readonly<NonNullable<ReturnType<typeof parseCargoVersion>>>

/**
 * `include`: config files may include others, even missing ones (1.94, rust-lang/cargo#16284).
 * `build-dir`: intermediate files may be kept apart from the final ones (1.91, rust-lang/cargo#15833).
 */
export type CargoAbility = 'include' | 'build-dir' | 'too-old'

export const abilityOf = ({ major, minor }: CargoVersion): CargoAbility => {
  if (major > 1 || minor >= 94) return 'include'
  return minor >= 91 ? 'build-dir' : 'too-old'
}

/** "cargo 1.95.0 (f2d3ce0bd 2026-03-21)" */
export const parseCargoVersion = (text: string) => {
  const match = /^cargo (\d{1,6})\.(\d{1,6})\.\d+\S*/m.exec(text)
  if (match === null) return null
  return { major: Number(match[1]), minor: Number(match[2]), text: match[0].slice('cargo '.length) }
}

export type CargoReading =
  | { readonly kind: 'found'; readonly version: CargoVersion }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unclear'; readonly reason: string }

const timeoutMs = 10_000

/** The cargo that runs in `cwd`: rustup picks one by folder, but must not download a toolchain for this. */
export const readCargoVersion = async (
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<CargoReading> => {
  const result = await runBounded(
    'cargo',
    ['--version'],
    { timeoutMs },
    { cwd, env: { ...env, RUSTUP_AUTO_INSTALL: '0' }, extendEnv: false },
  )
  if (result.code === 'ENOENT') return { kind: 'absent' }
  const version = parseCargoVersion(result.stdout)
  if (version !== null) return { kind: 'found', version }
  const said = result.stderr.trim().split('\n')[0]
  return { kind: 'unclear', reason: said || result.shortMessage || 'cargo --version prints nothing' }
}
