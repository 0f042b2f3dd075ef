import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ensureLiteLlm, readInstalledLiteLlm, readPinnedVersion } from './litellm.ts'

let runtimeDir = ''
beforeEach(() => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'nexus-litellm-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(runtimeDir, { recursive: true, force: true })
})

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

  it('refuses a bad one that Nexus did not install', async () => {
    pretendInstalled('1.82.8')
    await expect(readInstalledLiteLlm(runtimeDir)).rejects.toThrow('steals credentials')
  })
})

describe('an upgrade', () => {
  /** Answers as Python with venv, pip and compileall do; pip fails while there is a file `offline`. */
  const standInPython = `#!/bin/sh
case "$3" in
  '') echo 'nexus-python 3 12 1' ;;
  venv)
    mkdir -p "$4/bin" "$4/lib/python3.12/site-packages"
    cp "$0" "$4/bin/python"
    printf 'command = python3 -m venv %s\\n' "$4" >"$4/pyvenv.cfg" ;;
  pip)
    environment=$(dirname "$(dirname "$0")")
    [ ! -e "$(dirname "$environment")/offline" ] || { echo 'no network'; exit 1; }
    mkdir "$environment/lib/python3.12/site-packages/litellm-1.106.2.dist-info"
    printf '#!%s/bin/python\\n' "$environment" >"$environment/bin/litellm" ;;
esac
`
  const litellmDir = () => join(runtimeDir, 'litellm')
  const ensure = () =>
    ensureLiteLlm({
      runtimeDir,
      resourcesDir: runtimeDir,
      report: () => {},
      signal: new AbortController().signal,
    })
  /** What is left of set-up's own work, apart from its lock. */
  const leftovers = () => readdirSync(runtimeDir).filter((name) => /^\.litellm\.(?!lock)/.test(name))

  beforeEach(() => {
    const path = join(runtimeDir, 'python3')
    writeFileSync(path, standInPython)
    chmodSync(path, 0o755)
    vi.stubEnv('NEXUS_PYTHON', path)
    writeFileSync(join(runtimeDir, 'requirements-litellm.txt'), 'litellm==1.106.2\n')
    pretendInstalled('1.100.0')
  })

  it('that cannot fetch anything leaves the one in use as it was', async () => {
    writeFileSync(join(runtimeDir, 'offline'), '')
    await expect(ensure()).rejects.toThrow('no network')
    await expect(readInstalledLiteLlm(runtimeDir)).resolves.toMatchObject({ version: '1.100.0' })
    expect(leftovers()).toEqual([])
  })

  it('takes its place when it is whole, with scripts that name where they are', async () => {
    await expect(ensure()).resolves.toMatchObject({
      version: '1.106.2',
      pythonPath: join(litellmDir(), 'bin', 'python'),
    })
    expect(readFileSync(join(litellmDir(), 'bin', 'litellm'), 'utf8')).toBe(
      `#!${join(litellmDir(), 'bin', 'python')}\n`,
    )
    expect(readFileSync(join(litellmDir(), 'pyvenv.cfg'), 'utf8')).toContain(litellmDir())
    expect(existsSync(join(litellmDir(), 'lib/python3.12/site-packages/litellm-1.100.0.dist-info'))).toBe(
      false,
    )
    expect(leftovers()).toEqual([])
  })

  it('that was killed when all but the last step was done needs no network', async () => {
    await ensure()
    renameSync(litellmDir(), join(runtimeDir, '.litellm.next'))
    mkdirSync(join(runtimeDir, '.litellm.old'))
    writeFileSync(join(runtimeDir, 'offline'), '')
    await expect(ensure()).resolves.toMatchObject({ version: '1.106.2' })
    expect(leftovers()).toEqual([])
  })
})
