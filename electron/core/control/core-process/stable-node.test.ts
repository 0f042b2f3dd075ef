import { expect, it } from 'vitest'
import { servicePath, stablePath, withHomebrew } from './stable-node.ts'

const cellar = '/opt/homebrew/Cellar/node/24.11.1/bin/node'

it.each([
  ['the link of the formula', cellar, ['/opt/homebrew/opt/node/bin/node'], '/opt/homebrew/opt/node/bin/node'],
  [
    'a formula with a version in its name',
    '/usr/local/Cellar/node@24/24.1.0_1/bin/node',
    ['/usr/local/opt/node@24/bin/node', '/usr/local/bin/node'],
    '/usr/local/opt/node@24/bin/node',
  ],
  [
    'the folder of programs where there is no such link',
    cellar,
    ['/opt/homebrew/bin/node'],
    '/opt/homebrew/bin/node',
  ],
  [
    'another prefix',
    '/Users/ana/brew/Cellar/node/24.1.0/bin/node',
    ['/usr/local/bin/node'],
    '/usr/local/bin/node',
  ],
  ['the link all the same when nothing is there', cellar, [], '/opt/homebrew/opt/node/bin/node'],
  [
    'what is no Homebrew',
    '/Users/ana/.nvm/versions/node/v24.1.0/bin/node',
    [],
    '/Users/ana/.nvm/versions/node/v24.1.0/bin/node',
  ],
])('%s', (_, path, there, expected) => {
  expect(stablePath(path, (candidate) => there.includes(candidate))).toBe(expected)
})

it('has Homebrew on the path of a job and of a session that lacks it, once', () => {
  expect(servicePath('/opt/homebrew/bin/node')).toBe(
    '/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  )
  expect(withHomebrew('/usr/bin:/bin::/usr/local/bin')).toBe('/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin')
})
