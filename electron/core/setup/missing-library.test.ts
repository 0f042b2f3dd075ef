import { describe, expect, it } from 'vitest'
import { missingLibrary } from './missing-library.ts'

const complaint = (library: string) =>
  `/x/llama-server: error while loading shared libraries: ${library}: cannot open shared object file: No such file or directory\n`

describe('missingLibrary', () => {
  it('names the Debian package', () => {
    expect(missingLibrary(complaint('libgomp.so.1'))).toEqual({
      library: 'libgomp.so.1',
      debianPackage: 'libgomp1',
    })
    expect(missingLibrary(complaint('libstdc++.so.6'))?.debianPackage).toBe('libstdc++6')
  })

  it('does not guess a package', () => {
    expect(missingLibrary(complaint('libmystery.so.9'))).toEqual({
      library: 'libmystery.so.9',
      debianPackage: null,
    })
  })

  it.each(['', 'version: 1 (571d0d5)', 'Illegal instruction'])('is null for other output: "%s"', (output) => {
    expect(missingLibrary(output)).toBeNull()
  })
})
