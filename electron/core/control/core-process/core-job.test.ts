import { expect, it } from 'vitest'
import { locateStateFolder } from '../../config/state-folder.ts'
import { coreJobSpec, coreLabel } from './core-job.ts'

const home = '/Users/ana'
const folder = locateStateFolder({ NEXUS_RUNTIME: '/srv/runtime' }, 'darwin', home)

it('is started on a Node that an upgrade does not delete, with a home and with Homebrew, and gets no secret', () => {
  const { argv, env, ...rest } = coreJobSpec(
    {
      nodePath: '/opt/homebrew/Cellar/node/24.11.1/bin/node',
      nodeArgs: ['--disable-warning=ExperimentalWarning'],
      entryPath: '/Users/ana/opta nexus/out/nexus.mjs',
      env: {
        HTTPS_PROXY: 'http://ana:secret@proxy:3128',
        NO_PROXY: 'localhost',
        ANTHROPIC_API_KEY: 'sk-1',
        HF_TOKEN: 'hf_1',
        NEXUS_ROOT: '/Users/ana/opta nexus',
      },
      folder,
    },
    { label: 'ai.opta.nexus.core', homeDir: home },
  )
  expect(argv).toEqual([
    '/opt/homebrew/opt/node/bin/node',
    '--disable-warning=ExperimentalWarning',
    '--max-semi-space-size=1',
    '/Users/ana/opta nexus/out/nexus.mjs',
    'serve',
    '--background',
  ])
  expect(env).toEqual({
    NO_PROXY: 'localhost',
    NEXUS_ROOT: '/Users/ana/opta nexus',
    MALLOC_ARENA_MAX: '1',
    MALLOC_TRIM_THRESHOLD_: '131072',
    NEXUS_HOME: folder.root,
    NEXUS_RUNTIME: '/srv/runtime',
    NEXUS_SHARED: '/Users/Shared',
    NEXUS_MODELS: folder.modelsDir,
    HOME: home,
    PATH: '/opt/homebrew/opt/node/bin:/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  })
  expect(rest).toEqual({
    label: 'ai.opta.nexus.core',
    logPath: folder.logPath('core'),
    lifetime: 'once',
    userName: null,
  })
})

it('has one label for the usual state folder, and another for each other one', () => {
  expect(coreLabel(folder.root, folder.root)).toBe('ai.opta.nexus.core')
  const [one, two] = [coreLabel('/tmp/one', folder.root), coreLabel('/tmp/two', folder.root)]
  expect(one).toMatch(/^ai\.opta\.nexus\.core\.[0-9a-f]{8}$/)
  expect(two).not.toBe(one)
})
