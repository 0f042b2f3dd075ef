import { describe, expect, it } from 'vitest'
import { createPlatform } from './detect-platform.ts'

describe('createPlatform', () => {
  it('picks the provider of the system', () => {
    expect(createPlatform({ ramDiskRoot: '/r' }, 'linux').id).toBe('linux')
    expect(createPlatform({ ramDiskRoot: '/r' }, 'linux').ramDisk.defaultMountPoint('Forge')).toBe('/r/Forge')
  })
  it('mounts under /Volumes on macOS', () => {
    const platform = createPlatform({ ramDiskRoot: '/r' }, 'darwin')
    expect(platform.id).toBe('darwin')
    expect(platform.ramDisk.defaultMountPoint('Forge')).toBe('/Volumes/Forge')
  })
  it('says plainly where it does not run', () => {
    expect(() => createPlatform({ ramDiskRoot: '/r' }, 'win32')).toThrow('macOS and Linux; this is win32')
  })
})
