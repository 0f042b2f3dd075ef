// Who has a key, and what making, changing and taking one away does.
import { describe, expect, it } from 'vitest'
import {
  changeKeyList,
  completeKeyList,
  defaultClientKey,
  developersOf,
  isRetired,
  type KeyList,
} from './developer-keys.ts'

const counter = () => {
  let made = 0
  return () => `sk-opta-made-${++made}`
}

const complete = (list: KeyList | null, over: { configuredKey?: string | null } = {}): KeyList =>
  completeKeyList(list, {
    ownKey: 'sk-proof-own',
    configuredKey: null,
    makeKey: counter(),
    now: 1,
    ...over,
  })

const names = (list: KeyList) => developersOf(list).map(({ name }) => name)

const change = (list: KeyList, action: 'create' | 'rotate' | 'revoke', developer: string): KeyList => {
  const outcome = changeKeyList(list, { action, developer }, { makeKey: () => 'sk-opta-new', now: 2 })
  if (outcome.kind === 'refused') throw new Error(outcome.reason)
  return outcome.list
}

const refusal = (list: KeyList, action: 'create' | 'rotate' | 'revoke', developer: string): string => {
  const outcome = changeKeyList(list, { action, developer }, { makeKey: () => 'x', now: 2 })
  return outcome.kind === 'refused' ? outcome.reason : 'changed'
}

describe('a first list', () => {
  it("has the seed's two developers, each with a key of their own, and ours", () => {
    const list = complete(null)
    expect(names(list)).toEqual(['user1', 'user2'])
    expect(new Set(list.keys.map(({ key }) => key)).size).toBe(3)
    expect(defaultClientKey(list)).toBe('sk-opta-made-1')
    expect(complete(list)).toEqual(list)
  })
})

describe("the profile's key", () => {
  const seed = 'sk-local-opta'

  it('is given to clients, and removed with the profile', () => {
    const list = complete(null, { configuredKey: seed })
    expect(names(list)).toEqual(['user1', 'user2', 'shared'])
    expect(defaultClientKey(list)).toBe(seed)
    expect(complete(list, { configuredKey: seed })).toEqual(list)
    const without = complete(list)
    expect(names(without)).toEqual(['user1', 'user2'])
    expect(complete(without, { configuredKey: 'sk-other-key' }).keys).toContainEqual(
      expect.objectContaining({ name: 'shared', key: 'sk-other-key' }),
    )
  })

  it.each(['rotate', 'revoke'] as const)(
    'opens nothing any more after %s, although the profile names it',
    (action) => {
      const list = change(complete(null, { configuredKey: seed }), action, 'shared')
      expect(isRetired(list, seed)).toBe(true)
      const restarted = complete(list, { configuredKey: seed })
      expect(restarted).toEqual(list)
      expect(restarted.keys.map(({ key }) => key)).not.toContain(seed)
      expect(names(restarted).includes('shared')).toBe(action === 'rotate')
      expect(complete(restarted, { configuredKey: 'sk-a-third' }).keys.map(({ key }) => key)).toContain(
        'sk-a-third',
      )
    },
  )

  it("is not listed twice when it is a developer's", () => {
    const list = complete(null)
    expect(complete(list, { configuredKey: 'sk-opta-made-2' })).toEqual(list)
  })
})

describe('changing the list', () => {
  const list = complete(null)

  it('adds, renews and takes away one developer and no other', () => {
    const anna = change(list, 'create', 'anna')
    expect(names(anna)).toEqual(['user1', 'user2', 'anna'])
    const rotated = change(anna, 'rotate', 'user1')
    expect(rotated.keys.find(({ name }) => name === 'user1')?.key).toBe('sk-opta-new')
    expect(rotated.keys.find(({ name }) => name === 'user2')).toEqual(
      list.keys.find(({ name }) => name === 'user2'),
    )
    expect(names(change(anna, 'revoke', 'user1'))).not.toContain('user1')
  })

  it('does not bring back a revoked developer', () => {
    const nobody = change(change(list, 'revoke', 'user1'), 'revoke', 'user2')
    expect(names(complete(nobody))).toEqual([])
    expect(defaultClientKey(nobody)).toBeNull()
    expect(refusal(nobody, 'rotate', 'user1')).toContain('no developer has a key yet: nexus key create user1')
  })

  it.each([
    ['create', 'USER1', 'user1 already has a key'],
    ['create', 'shared', "the profile's own key"],
    ['create', '-x', 'allowed: 1 to 32 letters'],
    ['create', 'Opta-Nexus', "this program's own key"],
    ['rotate', 'opta-nexus', "this program's own key"],
    ['revoke', 'carl', 'found no developer "carl"; there are: user1, user2'],
  ] as const)('refuses to %s %s', (action, developer, reason) => {
    expect(refusal(list, action, developer)).toContain(reason)
  })
})
