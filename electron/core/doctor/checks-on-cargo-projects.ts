// The check on projects' cargo configs: they silently override the developer's own (the Cargo Book,
// Configuration, Hierarchical structure).
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '../base/error-message.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { configPathIn, createCargoConfigFiles } from '../forge/cargo-config-file.ts'
import {
  type CargoBuildSettings,
  type CargoConfigReading,
  readCargoConfig,
} from '../forge/cargo-config-text.ts'
import { listWorkspaces } from '../forge/forge-workspaces.ts'
import { isSharedCheckout } from '../forge/shared-checkout.ts'
import { type CheckSource, type DoctorContext, ok, type Verdict } from './check.ts'
import { type CargoFacts, isBelow, judgeCargo, readCargoFacts } from './checks-on-cargo.ts'
import type { DoctorFacts } from './facts.ts'

export interface ProjectConfig {
  readonly path: string
  readonly reading: CargoConfigReading
}

interface ProjectFacts extends CargoFacts {
  readonly platform: 'darwin' | 'linux'
}

/** The folder and its parents, where cargo looks for `.cargo/config.toml`. */
const withAncestors = (folder: string): readonly string[] => {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...withAncestors(parent)]
}

/** null: no file there. An unreadable file counts as unclear. */
const readProjectConfig = (path: string): ProjectConfig | null => {
  try {
    const text = readFileOrNull(path)
    return text === null ? null : { path, reading: readCargoConfig(text) }
  } catch (error) {
    return { path, reading: { kind: 'unclear', reason: messageOf(error) } }
  }
}

/** @param known paths of config files; `folders` and all their parents are searched too */
export const findProjectConfigs = (
  known: readonly string[],
  folders: readonly string[],
  ownConfigPath: string,
): readonly ProjectConfig[] => {
  const found = folders.flatMap(withAncestors).map((folder) => configPathIn(join(folder, '.cargo')))
  return [...new Set([...known, ...found])]
    .filter((path) => path !== ownConfigPath)
    .flatMap((path) => readProjectConfig(path) ?? [])
}

/** Paths in a config are relative to the folder that holds its .cargo (the Cargo Book, Config-relative paths). */
const absolute = (dir: string | null, configPath: string): string | null =>
  dir === null || dir.startsWith('{') ? dir : resolve(dirname(dirname(configPath)), dir)

/** A checkout shared by several developers builds in its own folder, where all of them may write. */
const keepsSharedCheckout = (configPath: string, buildDir: string, platform: 'darwin' | 'linux'): boolean => {
  const checkout = dirname(dirname(configPath))
  return isBelow(absolute(buildDir, configPath) ?? '', checkout) && isSharedCheckout(checkout, platform)
}

/** The project's effective settings: its own before the developer's. null: it does not set where builds go. */
const settingsIn = (
  { path, reading }: ProjectConfig,
  own: ProjectFacts,
): Pick<CargoFacts, 'settings' | 'unclear'> | null => {
  if (reading.kind === 'unclear') return { settings: null, unclear: reading.reason }
  const { buildDir, targetDir, includes } = reading.settings
  const saysBuildDir =
    buildDir !== null && own.envBuildDir === null && !keepsSharedCheckout(path, buildDir, own.platform)
  const saysTargetDir = targetDir !== null && own.envTargetDir === null
  if (!saysBuildDir && !saysTargetDir && includes.length === 0) return null
  const settings: CargoBuildSettings = {
    buildDir: absolute(buildDir, path) ?? own.settings?.buildDir ?? null,
    targetDir: absolute(targetDir, path) ?? own.settings?.targetDir ?? null,
    includes: [...includes, ...(own.settings?.includes ?? [])],
  }
  return { settings, unclear: null }
}

export const judgeProjects = (configs: readonly ProjectConfig[], own: ProjectFacts): Verdict => {
  const verdicts = configs.flatMap((config) => {
    const settings = settingsIn(config, own)
    return settings === null
      ? []
      : [{ path: config.path, ...judgeCargo({ ...own, ...settings, configPath: config.path }) }]
  })
  const odd = verdicts.filter(({ level }) => level !== 'ok')
  if (odd.length === 0)
    return ok(
      verdicts.length === 0
        ? 'no inspected project has settings of its own'
        : `${verdicts.map(({ path }) => path).join(', ')}: no conflict`,
    )
  const mends = new Set(odd.flatMap(({ mend }) => mend ?? []))
  return {
    level: odd.some(({ level }) => level === 'warn') ? 'warn' : 'unknown',
    found: odd.map(({ path, found }) => (found.includes(path) ? found : `${path}: ${found}`)).join('; '),
    mend: mends.size === 0 ? null : [...mends].join('; '),
  }
}

export const checksOnCargoProjects = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  return [
    {
      id: 'forge.cargo-projects',
      group: 'Build Forge',
      title: 'Cargo in projects',
      why: "a project's own .cargo/config.toml silently overrides yours",
      read: async () => {
        const cargo = await readCargoFacts(context, facts)
        if (cargo === null) return null
        const listing = cargo.mounted ? await listWorkspaces(cargo.mountPoint) : { workspaces: [] }
        const workspaces = listing.workspaces.flatMap(({ workspace }) => workspace ?? [])
        const edited = createCargoConfigFiles(context.folder.cargoConfigsPath).edited()
        const configs = findProjectConfigs(edited, [...workspaces, process.cwd()], cargo.configPath)
        return judgeProjects(configs, { ...cargo, platform: context.platform.id })
      },
    },
  ]
}
