import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { builtinProfiles } from '../config/profiles.ts'
import { readEnginePlan } from './stack-plan.ts'

it('keeps the version of a program that runs, though not with this profile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nexus-stack-plan-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const resourcesDir = join(import.meta.dirname, '../../../resources')
  const path = join(folder, 'llama-server')
  const help = join(resourcesDir, 'llama-help/b10434.txt')
  await writeFile(
    path,
    `#!/bin/sh\ncase $1 in --help) cat '${help}';; *) echo 'version: 1 (abc)' >&2;; esac\n`,
  )
  await chmod(path, 0o755)
  const { demo } = builtinProfiles(folder)
  if (demo === undefined) throw new Error('there is no demo profile')
  const plan = await readEnginePlan({
    profileName: 'demo',
    profile: { ...demo, llamaServer: { ...demo.llamaServer, pinnedFlags: ['--threads'] } },
    platform: 'linux',
    totalMemoryBytes: 2 ** 33,
    gpuLimitBytes: null,
    apiKeyPath: '/state/keys/engine.key',
    parkedDir: '/state/parked',
    resourcesDir,
    locateBinary: () => ({ path, source: 'path' }),
    assumeBuild: false,
  })
  expect(plan).toMatchObject({ argv: null, version: '1 (abc)' })
  expect(plan.problems.join()).toContain('--threads without its value')
})
