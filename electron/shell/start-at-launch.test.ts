// The stack is started at launch when the config says so: once, with the first core.
import { expect, it } from 'vitest'
import type { Command, Outcome } from '../contract/command.ts'
import type { CoreConnection } from '../core/control/connect-core.ts'
import { startAtFirstCore } from './start-at-launch.ts'

const setUp = (isWanted: boolean, outcome: Outcome = { accepted: true }) => {
  const commands: Command[] = []
  const refusals: string[] = []
  let comes = () => {}
  const connection: Pick<CoreConnection, 'withEachCore' | 'dispatch'> = {
    withEachCore: (begin) => {
      comes = () => void begin(unused)()
      return () => {}
    },
    dispatch: async (command) => {
      commands.push(command)
      return outcome
    },
  }
  startAtFirstCore(connection, { isWanted: () => isWanted, onRefused: (reason) => refusals.push(reason) })
  return { comes: () => comes(), commands, refusals }
}

const unused: ReturnType<CoreConnection['core']> = {
  readSnapshot: () => Promise.reject(new Error('unused')),
  watch: () => ({ begun: Promise.resolve(), setWatched: () => {}, stop: () => {} }),
  dispatch: () => Promise.reject(new Error('unused')),
  ask: () => Promise.reject(new Error('unused')),
  watchHistory: () => () => {},
  followLog: () => () => {},
  keep: () => () => {},
  readSnippet: () => Promise.reject(new Error('unused')),
}

it('starts everything with the first core, and not again with a later one', () => {
  const { comes, commands } = setUp(true)
  expect(commands).toEqual([])
  comes()
  comes()
  expect(commands).toEqual([{ type: 'start', only: null, profile: null, force: false }])
})

it('starts nothing unless that is wanted', () => {
  const { comes, commands } = setUp(false)
  comes()
  expect(commands).toEqual([])
})

it('tells when it is refused', async () => {
  const { comes, refusals } = setUp(true, { accepted: false, reason: 'it does not fit' })
  comes()
  await Promise.resolve()
  await Promise.resolve()
  expect(refusals).toEqual(['it does not fit'])
})
