// The list of developers' keys as data: creating, rotating and revoking keys.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { DeveloperNameSchema } from '../../contract/command.ts'

const EntrySchema = z.object({
  name: z.string().min(1),
  key: z.string().min(1),
  /** ms since the epoch; absent in entries written by hand, and in our own. */
  createdAt: z.number().int().nonnegative().optional(),
  /** The profile's own key (`proxy.clientKey`), removed when the profile no longer has it. */
  configured: z.literal(true).optional(),
})

/** Content of keys/clients.json. The Router reads only `keys` (resources/opta_keys.py). */
export const KeyListSchema = z.object({
  keys: z.array(EntrySchema),
  /** SHA-256 of the profile's keys that were rotated or revoked: the profile still has them, but they give no access. */
  retired: z.array(z.string()).default([]),
})
export type KeyList = z.infer<typeof KeyListSchema>
export type DeveloperKey = z.infer<typeof EntrySchema>

/** This program's own entry: its end-to-end message takes the same path as any client's. */
const ownName = 'opta-nexus'
/** Users of the profile's key, which the seed gives to both of its developers. */
export const sharedName = 'shared'
/** The seed's two developers. */
const firstNames = ['user1', 'user2'] as const

export const developersOf = (list: KeyList): readonly DeveloperKey[] =>
  list.keys.filter(({ name }) => name !== ownName)

/** The key for a client that belongs to no particular developer; null when every key was revoked. */
export const defaultClientKey = (list: KeyList): string | null => {
  const developers = developersOf(list)
  return (developers.find(({ configured }) => configured === true) ?? developers[0])?.key ?? null
}

export const isRetired = (list: KeyList, key: string): boolean => list.retired.includes(digest(key))

const digest = (key: string): string => createHash('sha256').update(key).digest('hex')

/**
 * The list for a start. A new one has the seed's two developers. The profile's key is added, or removed with the profile; a
 * retired one stays out.
 */
export const completeKeyList = (
  list: KeyList | null,
  {
    ownKey,
    configuredKey,
    makeKey,
    now,
  }: {
    readonly ownKey: string
    readonly configuredKey: string | null
    readonly makeKey: () => string
    readonly now: number
  },
): KeyList => {
  const kept: readonly DeveloperKey[] =
    list === null
      ? firstNames.map((name) => ({ name, key: makeKey(), createdAt: now }))
      : list.keys.filter(({ name, configured }) => name !== ownName && configured !== true)
  const retired = list?.retired ?? []
  const own: DeveloperKey = { name: ownName, key: ownKey }
  const isShared =
    configuredKey !== null &&
    !retired.includes(digest(configuredKey)) &&
    kept.every(({ key }) => key !== configuredKey)
  if (!isShared) return { keys: [...kept, own], retired }
  const before = list?.keys.find(({ key, configured }) => configured === true && key === configuredKey)
  const shared: DeveloperKey = {
    name: sharedName,
    key: configuredKey,
    createdAt: before?.createdAt ?? now,
    configured: true,
  }
  // A profile with a new key takes the name back from a rotated one.
  return { keys: [...kept.filter(({ name }) => name !== sharedName), shared, own], retired }
}

export type KeyChange =
  | { readonly kind: 'changed'; readonly list: KeyList }
  | { readonly kind: 'refused'; readonly reason: string }

/** Ignores case, because people type the names. */
export const findDeveloper = <T extends { readonly name: string }>(
  developers: readonly T[],
  wanted: string,
): T | undefined => developers.find(({ name }) => name.toLowerCase() === wanted.toLowerCase())

/** Applies a `key` command to the list, or says why not. */
export const changeKeyList = (
  list: KeyList,
  change: { readonly action: 'create' | 'rotate' | 'revoke'; readonly developer: string },
  { makeKey, now }: { readonly makeKey: () => string; readonly now: number },
): KeyChange => {
  const { action, developer } = change
  const checked = DeveloperNameSchema.safeParse(developer)
  if (!checked.success)
    return refuse(`developer: found "${developer}"; allowed: ${checked.error.issues[0]?.message ?? 'a name'}`)
  const existing = findDeveloper(list.keys, developer)
  if (developer.toLowerCase() === ownName)
    return refuse(`${ownName} is this program's own key, not a developer's`)
  switch (action) {
    case 'create':
      if (developer.toLowerCase() === sharedName)
        return refuse(`${sharedName} is the name of the profile's own key (proxy.clientKey)`)
      if (existing !== undefined)
        return refuse(
          `${existing.name} already has a key: nexus key rotate ${existing.name} creates a new one`,
        )
      return changed(list, [...list.keys, { name: developer, key: makeKey(), createdAt: now }])
    case 'rotate': {
      if (existing === undefined) return refuse(unknownDeveloper(list, developer))
      const renewed: DeveloperKey = { name: existing.name, key: makeKey(), createdAt: now }
      return changed(
        retire(list, existing),
        list.keys.map((entry) => (entry === existing ? renewed : entry)),
      )
    }
    case 'revoke':
      if (existing === undefined) return refuse(unknownDeveloper(list, developer))
      return changed(
        retire(list, existing),
        list.keys.filter((entry) => entry !== existing),
      )
  }
}

const retire = (list: KeyList, entry: DeveloperKey): KeyList =>
  entry.configured === true ? { ...list, retired: [...list.retired, digest(entry.key)] } : list

const changed = (list: KeyList, keys: readonly DeveloperKey[]): KeyChange => ({
  kind: 'changed',
  list: { ...list, keys: [...keys] },
})

const refuse = (reason: string): KeyChange => ({ kind: 'refused', reason })

const unknownDeveloper = (list: KeyList, developer: string): string => {
  const names = developersOf(list).map(({ name }) => name)
  return names.length === 0
    ? `no developer has a key yet: nexus key create ${developer}`
    : `found no developer "${developer}"; there are: ${names.join(', ')}`
}
