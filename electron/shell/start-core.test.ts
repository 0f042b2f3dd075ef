// The app's way to a core of its own: the command line that came along, started for real where it does not need a core.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { locateStateFolder } from '../core/config/state-folder.ts'
import { commandEnvironment, createCoreStarter } from './start-core.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nexus start '))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const options = (script = '') => {
  const entryPath = join(root, 'nexus.mjs')
  writeFileSync(entryPath, script)
  return {
    command: { root, entryPath, nodePath: process.execPath },
    folder: locateStateFolder({ NEXUS_HOME: join(root, 'state') }, 'linux', root),
    env: { PATH: '/usr/bin:/bin', NODE_OPTIONS: '--require=x', NEXUS_READY_FD: '3', LANG: 'C' },
  }
}

it('tells the command where its folders are, and nothing that is of the app alone', () => {
  expect(commandEnvironment(options())).toEqual({
    PATH: '/usr/bin:/bin',
    LANG: 'C',
    NEXUS_ROOT: root,
    NEXUS_HOME: join(root, 'state'),
    NEXUS_RUNTIME: join(root, 'state', 'runtime'),
    NEXUS_SHARED: '',
    NEXUS_MODELS: join(root, 'state', 'models'),
    NODE_COMPILE_CACHE: join(root, 'state', 'runtime', 'compile-cache'),
  })
})

it.each(['own', 'guest'] as const)('asks for a core and hears whose it is: %s', async (answer) => {
  const starter = createCoreStarter(
    options(`console.log(process.argv.slice(2).join() === 'serve,--detach' ? '${answer}' : 'no')`),
  )
  expect(starter.nodePath()).toBeNull()
  expect(await starter.start()).toBe(answer)
  expect(starter.nodePath()).toBe(process.execPath)
})

it.each([
  [
    'its last words',
    `console.error('first'); console.error('no room on the disk'); process.exit(1)`,
    /start: no room on the disk$/,
  ],
  ['how it ended', 'process.exit(3)', /its starter exited with 3$/],
  ['that it said something else', `console.log('what?')`, /its starter exited with 0$/],
])('says %s when there is none', async (_, script, words) => {
  await expect(createCoreStarter(options(script)).start()).rejects.toThrow(words)
})
