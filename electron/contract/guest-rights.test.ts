// The whole table of what a guest may: every command and query of the contract, so that a new one has to be decided.
import { describe, expect, it } from 'vitest'
import { type Command, CommandSchema } from './command.ts'
import { ConfigSchema } from './config.ts'
import { refuseCommand, refuseKeys, refuseLogs, refuseQuery } from './guest-rights.ts'
import { type Query, QuerySchema } from './question.ts'
import { logIds } from './service-ids.ts'

const start: Extract<Command, { type: 'start' }> = { type: 'start', only: null, profile: null, force: false }
const stop: Extract<Command, { type: 'stop' }> = {
  type: 'stop',
  only: null,
  eject: false,
  now: false,
  force: false,
}

const allowed: readonly Command[] = [
  start,
  { ...start, only: 'proxy' },
  { ...start, profile: 'demo' },
  { ...start, replaceForeign: false },
  stop,
  { ...stop, only: 'llamaServer', now: true },
  { type: 'restart', only: null },
  { type: 'restart', only: 'ramDisk', now: true },
]

const refused: readonly (readonly [Command, string])[] = [
  [{ ...start, force: true }, 'does not fit'],
  [{ ...start, replaceForeign: true }, 'ending a program that holds a port'],
  [{ ...start, model: 'gpt-oss-20b' }, 'nexus up --model gpt-oss-20b'],
  // Anything that is read as a file is read with the owner's rights.
  [{ ...start, profile: '/home/ann/.ssh/id_ed25519' }, 'not from a file'],
  [{ ...start, profile: 'mine.json' }, 'not from a file'],
  [{ ...start, profile: '../x' }, 'not from a file'],
  [{ ...start, profile: '' }, 'not from a file'],
  [{ ...stop, eject: true }, 'ejecting the Build Forge'],
  [{ ...stop, force: true }, 'ejecting the Build Forge'],
  [{ type: 'start', only: null, profile: null, force: false, setUp: true }, 'installing the missing parts'],
  [{ type: 'configure', config: ConfigSchema.parse({}), revision: 'r' }, 'changing the settings'],
  [{ type: 'key', action: 'create', developer: 'eve' }, 'nexus key create eve'],
  [{ type: 'key', action: 'rotate', developer: 'ann' }, 'changing the keys'],
  [{ type: 'key', action: 'revoke', developer: 'ann' }, 'changing the keys'],
  [{ type: 'fetchModel', model: 'a/b', endpoint: null, token: null }, 'nexus model fetch a/b'],
  [{ type: 'cancelFetch', id: 'a/b' }, 'nexus model cancel a/b'],
]

const askable: readonly Query[] = [
  { type: 'plan' },
  { type: 'doctor' },
  { type: 'models' },
  { type: 'clients' },
]
const unaskable: readonly Query[] = [
  { type: 'settings' },
  ...logIds.map((log): Query => ({ type: 'logTail', log, lines: 10 })),
]

describe('commands', () => {
  it.each(allowed)('%o is allowed', (command) => {
    expect(CommandSchema.parse(command)).toEqual(command)
    expect(refuseCommand(command, 'ann')).toBeNull()
  })

  it.each(refused)('%o is refused with a reason and the owner', (command, words) => {
    expect(refuseCommand(command, 'ann')).toContain(words)
    expect(refuseCommand(command, 'ann')).toContain("ann's")
  })

  it('are all decided on here', () => {
    const decided = new Set([...allowed, ...refused.map(([command]) => command)].map(({ type }) => type))
    expect([...decided].sort()).toEqual(CommandSchema.options.map(({ shape }) => shape.type.value).sort())
  })
})

describe('questions', () => {
  it.each(askable)('%o is answered', (query) => expect(refuseQuery(query, 'ann')).toBeNull())
  it.each(unaskable)('%o is not', (query) => expect(refuseQuery(query, 'ann')).toContain('belong to ann'))

  it('are all decided on here', () => {
    const decided = new Set([...askable, ...unaskable].map(({ type }) => type))
    expect([...decided].sort()).toEqual(QuerySchema.options.map(({ shape }) => shape.type.value).sort())
  })
})

it('explains refusals of logs and keys', () => {
  expect(refuseLogs('ann')).toContain('other people’s prompts')
  expect(refuseKeys('ann')).toContain('ask ann for yours')
})
