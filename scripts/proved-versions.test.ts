import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { measuredClaudeCode } from '../electron/core/setup/claude-code-releases.ts'
import { formatVersions, readPinnedVersions, readProvedVersions } from './proved-versions.ts'

const root = join(import.meta.dirname, '..')

it('names what is pinned', async () => {
  const pinned = formatVersions(await readPinnedVersions(root))
  expect(pinned).toMatch(/^LiteLLM \d+\.\d+\.\d+, llama-server b\d+ or b\d+, Electron \d+\.\d+\.\d+ \(.*\), /)
  expect(pinned).toContain(`Claude Code ${measuredClaudeCode}, Traefik 3.`)
})

it('names what ran and nothing else, as each part says it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nexus-proved-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const where = { root, runtimeDir: dir }
  expect(await readProvedVersions(where, { liteLlm: false, variables: {} })).toEqual([
    ['Node', process.versions.node],
  ])

  const program = (name: string, says: string): string => {
    const path = join(dir, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, `#!/bin/sh\n${says}\n`, { mode: 0o755 })
    return path
  }
  mkdirSync(join(dir, 'litellm/lib/python3.12/site-packages/litellm-1.108.7.dist-info'), { recursive: true })
  // Each as the real one printed it here.
  const variables = {
    NEXUS_TEST_LLAMA_SERVER: program(
      'llama-server-0.10068.0/llama-server',
      'echo "version: 1 (571d0d5)" >&2',
    ),
    NEXUS_TEST_CHROMIUM: program(
      'chromium',
      'echo "Chromium 156.0.8078.108 built on Debian GNU/Linux 12 (bookworm)"',
    ),
    NEXUS_TEST_CLAUDE_CODE: program('claude', 'echo "2.1.332 (Claude Code)"'),
    NEXUS_TEST_TRAEFIK: program('traefik', 'printf "Version:      3.7.15\\nCodename:     langres\\n"'),
    NEXUS_TEST_ELECTRON: program('electron', 'exit 1'),
    NEXUS_TEST_MODEL: '/models/small.gguf',
    NEXUS_TEST_SLIDING_WINDOW_MODEL: '/models/gemma.gguf',
  }
  const proved = formatVersions(await readProvedVersions(where, { liteLlm: true, variables }))
  expect(proved).toContain('LiteLLM 1.108.7, llama-server b10068 (1 (571d0d5)), Electron unknown (')
  expect(proved).toContain('Chromium 156.0.8078.108, Claude Code 2.1.332, Traefik 3.7.15')
  expect(proved).toMatch(/models small\.gguf and gemma\.gguf$/)
})
