// The command line before anything is installed: planned for a build with known flags, and only when asked for.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { builtinProfiles } from '../../core/config/profiles.ts'
import { type PlanContext, readEnginePlan } from '../../core/memory/stack-plan.ts'
import { renderEnginePlan } from './service-plans-view.ts'

const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('there is no studio profile')
const model = join(
  import.meta.dirname,
  '../../core/gguf/fixtures/DeepSeek-R1-Distill-Llama-70B-Q8_0.header.gguf',
)
const nothingInstalled: PlanContext = {
  profileName: 'studio',
  profile: { ...studio, llamaServer: { ...studio.llamaServer, modelPath: model } },
  platform: 'darwin',
  totalMemoryBytes: 256 * 1024 ** 3,
  gpuLimitBytes: null,
  apiKeyPath: '/state/keys/engine.key',
  parkedDir: '/state/parked',
  resourcesDir: join(import.meta.dirname, '../../../resources'),
  locateBinary: () => null,
  assumeBuild: true,
}

it('has every flag with its reason, and names the build', async () => {
  const plan = await readEnginePlan(nothingInstalled)
  expect(plan).toMatchObject({ binary: null, version: null, assumedBuild: 'b10434', problems: [] })
  const text = renderEnginePlan(plan, { width: 80, color: false })
  expect(text[0]).toBe(
    'AI Engine  llama-server, not installed; planned for b10434 until nexus up installs one',
  )
  const flags = plan.argv?.filter((word) => /^--?[a-z]/.test(word)) ?? []
  expect(flags.length).toBeGreaterThan(20)
  const from = text.findIndex((line) => line.startsWith('Why it differs'))
  const reasons = text.slice(from).join('\n')
  for (const flag of flags) expect(reasons).toContain(`  ${flag}`)
  expect(plan.seedFlags).toContainEqual({
    ours: '-c 319488',
    purpose: expect.stringContaining('context'),
    seed: '-c 131072',
  })
})

it('has no command line where a llama-server must be installed', async () => {
  const plan = await readEnginePlan({ ...nothingInstalled, assumeBuild: false })
  expect(plan).toMatchObject({ argv: null, assumedBuild: null })
  expect(plan.problems.join()).toContain('not installed')
})
