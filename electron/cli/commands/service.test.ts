// What a service manager runs: this clone's `nexus` with the variables of our folders, and nothing more.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { locateStateFolder } from '../../core/config/state-folder.ts'
import { createPlatform } from '../../core/platform/detect-platform.ts'
import type { CliContext } from '../context.ts'
import { planAutostart } from './service.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nexus-service-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const contextWith = (env: CliContext['env']): CliContext => {
  const folder = locateStateFolder({ NEXUS_HOME: join(root, 'state') }, 'linux', root)
  return {
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    resourcesDir: root,
    env,
    entryPath: '/opt/nexus.mjs',
    stdoutIsTerminal: false,
    color: false,
    width: 80,
    print: () => {},
    printError: () => {},
    onOutputLost: () => () => {},
  }
}

it("runs the clone's script and passes on our folders", () => {
  const script = join(root, 'scripts', 'nexus')
  mkdirSync(dirname(script))
  writeFileSync(script, '#!/bin/sh\n')
  chmodSync(script, 0o755)
  const { argv, env, logPath } = planAutostart(
    contextWith({ NEXUS_ROOT: root, NEXUS_HOME: '/srv/state', SECRET: 'not for a file' }),
  )
  expect(argv).toEqual([script, 'serve', '--wait'])
  expect(Object.keys(env)).toEqual(['NEXUS_HOME', 'HOME', 'PATH'])
  expect(env['PATH']).toBe(
    `${dirname(process.execPath)}:/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
  )
  expect(logPath).toBe(join(root, 'state/logs/core.log'))
})

it('runs this program where there is no script, with its resources and only the folders that were set', () => {
  const { argv, env } = planAutostart(contextWith({ NEXUS_ROOT: root, NEXUS_HOME: '' }))
  expect(argv[0]).toBe(process.execPath)
  expect(argv.slice(-3)).toEqual(['/opt/nexus.mjs', 'serve', '--wait'])
  expect(Object.keys(env)).toEqual(['NEXUS_ROOT', 'HOME', 'PATH'])
})

it('passes on what scripts/packaged-nexus sets: Resources/nexus is laid out unlike a clone', () => {
  const app = '/Applications/Opta Nexus.app'
  const { env } = planAutostart(
    contextWith({ NEXUS_ROOT: `${app}/Contents/Resources/nexus`, NEXUS_APP: app }),
  )
  expect(env).toMatchObject({ NEXUS_ROOT: `${app}/Contents/Resources/nexus`, NEXUS_APP: app })
})
