// Sends cargo's builds to the RAM disk and back: which config file, which entry for this cargo, and replacing an old one.
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type CargoConfigFiles, configPathIn, type EditOutcome } from './cargo-config-file.ts'
import type { CargoEntry } from './cargo-config-text.ts'
import { abilityOf, type CargoReading } from './cargo-version.ts'
import { buildDirTemplateOf, explainUnusableMountPoint, includePathOf } from './forge-layout.ts'

/** Every form of our entry. */
export const entriesFor = (mountPoint: string): readonly [CargoEntry, CargoEntry] => [
  { kind: 'include', path: includePathOf(mountPoint) },
  { kind: 'build-dir', value: buildDirTemplateOf(mountPoint) },
]

export type EntryChoice =
  | { readonly kind: 'entry'; readonly entry: CargoEntry; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string }

export const chooseEntry = (cargo: CargoReading, mountPoint: string): EntryChoice => {
  const unusable = explainUnusableMountPoint(mountPoint)
  if (unusable !== null) return { kind: 'refused', reason: unusable }
  if (cargo.kind === 'absent')
    return {
      kind: 'refused',
      reason: 'there is no cargo on PATH: install Rust (rustup.rs), then run this again',
    }
  if (cargo.kind === 'unclear')
    return { kind: 'refused', reason: `could not read cargo's version: ${cargo.reason}` }
  const [include, buildDir] = entriesFor(mountPoint)
  switch (abilityOf(cargo.version)) {
    case 'include':
      return { kind: 'entry', entry: include, notes: [] }
    case 'build-dir':
      return {
        kind: 'entry',
        entry: buildDir,
        notes: [
          `cargo ${cargo.version.text} fails to build while the RAM disk is not mounted (1.94 and later then build in target/ as usual): put \`nexus forge hook\` into your shell's start file, which removes the entry meanwhile`,
        ],
      }
    case 'too-old':
      return { kind: 'refused', reason: explainTooOld(cargo.version.text, mountPoint) }
  }
}

const explainTooOld = (version: string, mountPoint: string): string =>
  [
    `cargo ${version} cannot keep intermediate files apart from finished programs: that came with 1.91 (rustup update)`,
    `until then you can send one whole workspace there: CARGO_TARGET_DIR=${join(mountPoint, 'target', 'NAME')} cargo build`,
    'but then finished programs are lost with the RAM disk, builds fail without it, and workspaces that share a NAME wait for each other',
  ].join('; ')

/** The developer's own config, or that of the given folder. Throws when the folder doesn't exist. */
export const cargoConfigPath = (
  folder: string | null,
  env: Readonly<Record<string, string | undefined>>,
  homeDir: string,
): string => {
  if (folder === null) return configPathIn(env['CARGO_HOME'] || join(homeDir, '.cargo'))
  const path = resolve(folder)
  if (!existsSync(path) || !statSync(path).isDirectory()) throw new Error(`${path} is not a folder`)
  return configPathIn(join(path, '.cargo'))
}

/** Variables that override every config file (the Cargo Book, Configuration). */
export const explainEnvironment = (env: Readonly<Record<string, string | undefined>>): readonly string[] =>
  env['CARGO_BUILD_BUILD_DIR']
    ? [
        `CARGO_BUILD_BUILD_DIR is set to ${env['CARGO_BUILD_BUILD_DIR']} in this shell, which overrides the config`,
      ]
    : []

export const enableFor = (
  files: CargoConfigFiles,
  path: string,
  cargo: CargoReading,
  mountPoint: string,
): EditOutcome => {
  const choice = chooseEntry(cargo, mountPoint)
  if (choice.kind === 'refused') return choice
  // Replace our entry for another cargo version.
  const other = entriesFor(mountPoint).filter((entry) => entry.kind !== choice.entry.kind)
  const cleared = files.disable(path, other)
  if (cleared.kind === 'refused') return cleared
  const outcome = files.enable(path, choice.entry, mountPoint)
  return outcome.kind === 'changed' ? { ...outcome, notes: [...choice.notes, ...outcome.notes] } : outcome
}
