import { describe, expect, it } from 'vitest'
import { findMountAt, findMountsBelow, parseMountInfo } from './linux-mount-table.ts'
import { isBelow, parseMappedPaths } from './linux-processes.ts'

// Own sample with made-up numbers, in the format of proc_pid_mountinfo(5).
const table = parseMountInfo(`22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
60 27 0:50 / /home/ana/a\\040b\\134c\\011d rw,relatime - tmpfs opta-nexus rw,size=65536k
61 27 8:1 /sub /mnt/x rw shared:1 master:2 - ext4 /dev/sd\\040a1 rw
62 61 0:51 / /mnt/x rw - tmpfs none rw
63 62 0:52 / /mnt/x/inner rw - tmpfs none rw
`)

describe('parseMountInfo', () => {
  it('decodes blanks, backslashes and tabs', () => {
    expect(table[1]).toEqual({ mountPoint: '/home/ana/a b\\c\td', filesystem: 'tmpfs', source: 'opta-nexus' })
  })
  it('reads past any number of optional fields', () => {
    expect(table[2]).toEqual({ mountPoint: '/mnt/x', filesystem: 'ext4', source: '/dev/sd a1' })
  })
  it('finds what is on top, and only at the exact path', () => {
    expect(findMountAt(table, '/mnt/x')?.filesystem).toBe('tmpfs')
    expect(findMountAt(table, '/mnt')).toBeNull()
    expect(findMountsBelow(table, '/mnt/x').map((entry) => entry.mountPoint)).toEqual(['/mnt/x/inner'])
  })
  it.each(['', '\n\n', '- - -', '1 2 3 4 /x rw', '1 2 3 4 /x rw -', 'x'.repeat(1_000_000)])(
    'skips strange lines',
    (text) => {
      expect(parseMountInfo(text)).toEqual([])
    },
  )
})

describe('holders', () => {
  it('knows what is below a folder', () => {
    expect(isBelow('/r/x', '/r/x')).toBe(true)
    expect(isBelow('/r/x/y (deleted)', '/r/x')).toBe(true)
    expect(isBelow('/r/x (deleted)', '/r/x')).toBe(true)
    expect(isBelow('/r/xy', '/r/x')).toBe(false)
    expect(isBelow('socket:[5]', '/r/x')).toBe(false)
  })
  it('reads mapped paths with blanks', () => {
    const maps = `7f00-7f01 r--p 00000000 00:32 12     /r/a b/lib.so (deleted)
7f01-7f02 rw-p 00000000 00:00 0
7f03-7f04 rw-p 00000000 00:00 0      [heap]
`
    expect(parseMappedPaths(maps)).toEqual(['/r/a b/lib.so (deleted)'])
    expect(parseMappedPaths('garbage /x')).toEqual([])
  })
})
