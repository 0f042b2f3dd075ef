// Masks the keys in the config for a window, and restores them from the file when the config is written back.
import type { Config } from '../../contract/config.ts'
import type { Profile } from '../../contract/profile.ts'

/** Stands for an unchanged key. Not a usable key: eight stars are easy to guess. */
export const maskedKey = '********'

export const maskProfile = (profile: Profile): Profile => ({
  ...profile,
  proxy: { ...profile.proxy, clientKey: profile.proxy.clientKey === null ? null : maskedKey },
})

export const maskConfig = (config: Config): Config => mapKeys(config, () => maskedKey)

/** `unknown-key`: a mask where the file has no key; `place` names it. */
export const unmaskConfig = (
  config: Config,
  current: Config,
):
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'unknown-key'; readonly place: string } => {
  const unknown: string[] = []
  const unmasked = mapKeys(config, (key, name) => {
    if (key !== maskedKey) return key
    const known = Object.hasOwn(current.profiles, name) ? current.profiles[name]?.proxy?.clientKey : undefined
    if (typeof known === 'string') return known
    unknown.push(`profiles.${name}.proxy.clientKey`)
    return key
  })
  const [place] = unknown
  return place === undefined ? { kind: 'config', config: unmasked } : { kind: 'unknown-key', place }
}

const mapKeys = (config: Config, map: (key: string, profileName: string) => string): Config => ({
  ...config,
  profiles: Object.fromEntries(
    Object.entries(config.profiles).map(([name, override]) => {
      const key = override.proxy?.clientKey
      if (typeof key !== 'string') return [name, override]
      return [name, { ...override, proxy: { ...override.proxy, clientKey: map(key, name) } }]
    }),
  ),
})
