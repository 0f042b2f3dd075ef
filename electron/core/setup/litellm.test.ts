import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readInstalledLiteLlm, readPinnedVersion } from './litellm.ts'

let runtimeDir = ''
beforeEach(() => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'nexus-litellm-'))
})
afterEach(() => rmSync(runtimeDir, { recursive: true, force: true }))

const pretendInstalled = (version: string) =>
  mkdirSync(
    join(runtimeDir, 'litellm', 'lib', 'python3.12', 'site-packages', `litellm-${version}.dist-info`),
    { recursive: true },
  )

describe('readPinnedVersion', () => {
  it('is not misled by packages with a similar name', () => {
    expect(readPinnedVersion('litellm-enterprise==9.9.9 \\\nlitellm==1.106.2 \\\n    --hash=sha256:00')).toBe(
      '1.106.2',
    )
    expect(readPinnedVersion("litellm[proxy]==1.90.0 ; python_version >= '3.10'")).toBe('1.90.0')
    expect(() => readPinnedVersion('litellm-enterprise==9.9.9')).toThrow('does not name a version of LiteLLM')
  })
})

describe('readInstalledLiteLlm', () => {
  it('is null where there is none', async () => {
    await expect(readInstalledLiteLlm(runtimeDir)).resolves.toBeNull()
  })

  it('says which is installed without running it', async () => {
    pretendInstalled('1.106.2')
    await expect(readInstalledLiteLlm(runtimeDir)).resolves.toMatchObject({ version: '1.106.2' })
  })

  it('refuses a bad one whoever installed it', async () => {
    pretendInstalled('1.82.8')
    await expect(readInstalledLiteLlm(runtimeDir)).rejects.toThrow('steals credentials')
  })
})
