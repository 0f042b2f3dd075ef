// An upward import fails the check however it is written, and the message says where it is, what it imports, and what is allowed.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const checkTree = (files: Readonly<Record<string, string>>) => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-layers-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const program = join(import.meta.dirname, 'check-layers.ts')
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning']
  const { status, stderr } = spawnSync(process.execPath, [...flags, program, root], { encoding: 'utf8' })
  return { status, faults: stderr.split('\n').filter((line) => line !== '') }
}

it('lets every folder import from those below it and from itself, and the app from all', () => {
  expect(
    checkTree({
      'electron/main.ts': "import { up } from './core/host/core.ts'\n",
      'electron/core/host/core.ts': "import { wait } from '../base/wait.ts'\nexport const up = wait\n",
      'electron/core/host/test-support/studio.ts': "import { up } from '../core.ts'\n",
      'electron/core/host/core.test.ts': "import { studio } from './test-support/studio.ts'\n",
      'electron/core/base/wait.ts': "import type { Phase } from '../../contract/snapshot.ts'\n",
      'electron/contract/snapshot.ts': "import * as z from 'zod'\n",
    }),
  ).toEqual({ status: 0, faults: [] })
})

const allowed = 'core/base may import from contract, wording'

it.each([
  "import { up } from '../host/core.ts'",
  "import type { Core } from '../host/core.ts'",
  "import '../platform/launchd/plist.ts'",
  "export { up } from '../host/core.ts'",
  "export * from '../host/core.ts'",
  "export const load = () => import('../host/core.ts')",
  "export type Core = import('../host/core.ts').Core",
  "import { show } from '../../shell/tray.ts'",
])('refuses in core/base: %s', (statement) => {
  const specifier = /'(.*)'/.exec(statement)?.[1]
  expect(checkTree({ 'electron/core/base/wait.ts': `// A comment.\n${statement}\n` })).toEqual({
    status: 1,
    faults: [`electron/core/base/wait.ts:2 imports ${specifier}, which is above it: ${allowed}`],
  })
})

it('refuses it in tests and their helpers, and of a folder of the same name deeper down', () => {
  const { faults } = checkTree({
    'electron/core/base/wait.test.ts': "import { up } from '../host/core.ts'\n",
    'electron/core/base/test-support/waiter.ts': "import { up } from '../../host/core.ts'\n",
    'electron/core/base/host/wait.ts':
      "import { up } from '../../host/core.ts'\nimport { wait } from '../wait.ts'\n",
  })
  expect(faults).toEqual([
    `electron/core/base/host/wait.ts:1 imports ../../host/core.ts, which is above it: ${allowed}`,
    `electron/core/base/test-support/waiter.ts:1 imports ../../host/core.ts, which is above it: ${allowed}`,
    `electron/core/base/wait.test.ts:1 imports ../host/core.ts, which is above it: ${allowed}`,
  ])
})

it('refuses what is for tests in what is shipped', () => {
  expect(
    checkTree({ 'electron/core/host/core.ts': "import { mac } from '../platform/test-support/mac.ts'\n" })
      .faults,
  ).toEqual([
    'electron/core/host/core.ts:1 imports ../platform/test-support/mac.ts, which is for tests: shipped code must not import it',
  ])
})

it('wants every file of the core in a folder, and every folder in a layer', () => {
  expect(
    checkTree({ 'electron/core/core.ts': '', 'electron/core/helpers/x.ts': '', 'electron/tools/y.ts': '' })
      .faults,
  ).toEqual([
    'electron/core/core.ts: electron/core holds folders only: move it into one',
    'electron/core/helpers/x.ts: core/helpers is in no layer: add it to the list in scripts/check-layers.ts',
    'electron/tools/y.ts: tools is in no layer: add it to the list in scripts/check-layers.ts',
  ])
})

it('refuses what is in no layer, such as the window', () => {
  expect(
    checkTree({ 'electron/core/base/wait.ts': "import { mirror } from '../../../renderer/mirror.ts'\n" })
      .faults,
  ).toEqual([
    `electron/core/base/wait.ts:1 imports ../../../renderer/mirror.ts, which is in no layer: ${allowed}`,
  ])
})

it('says which file cannot be parsed', () => {
  const { status, faults } = checkTree({ 'electron/core/base/wait.ts': 'import {\n' })
  expect(status).not.toBe(0)
  expect(faults.join('\n')).toContain('electron/core/base/wait.ts cannot be parsed')
})
