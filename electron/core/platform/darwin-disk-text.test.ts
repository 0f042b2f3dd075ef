import { describe, expect, it } from 'vitest'
import {
  findImageOf,
  findRamImage,
  leavesImagesOut,
  parseAttachedDevice,
  parseDissenters,
  parseHdiutilInfo,
  parseMountTable,
  ramImageBytes,
  ramImageName,
} from './darwin-disk-text.ts'
import {
  parseDefaultRoute,
  parseIfconfig,
  rankLanAddresses,
  readDarwinLanAddresses,
} from './lan-addresses.ts'
import { createTestMac } from './test-support/mac.ts'
import { hasRecordings, listRecordings, readRecording } from './test-support/recordings.ts'

describe('parseMountTable', () => {
  it('reads blanks, brackets and " on " in names', () => {
    const text = `/dev/disk3s1s1 on / (apfs, sealed, local, read-only)
map auto_home on /System/Volumes/Data/home (autofs, automounted)
/dev/disk7 on /Volumes/My (old) disk on top (hfs, local, nodev)
.host:/a b on /Volumes/a b (vmhgfs)
`
    expect(parseMountTable(text).map((entry) => [entry.source, entry.mountPoint, entry.filesystem])).toEqual([
      ['/dev/disk3s1s1', '/', 'apfs'],
      ['map auto_home', '/System/Volumes/Data/home', 'autofs'],
      ['/dev/disk7', '/Volumes/My (old) disk on top', 'hfs'],
      ['.host:/a b', '/Volumes/a b', 'vmhgfs'],
    ])
  })
  it.each(['', 'x on y', '/dev/disk1 on /x', 'tmpfs /x rw', ' on / ()', 'a'.repeat(300_000)])(
    'skips strange lines',
    (text) => {
      expect(parseMountTable(text)).toEqual([])
    },
  )
})

describe('hdiutil', () => {
  const padded = `/dev/disk12         \t${' '.repeat(31)}\t\n`
  it.each([
    [padded, '/dev/disk12'],
    [`Checksumming ...\nverified CRC32 $1\n${padded}`, '/dev/disk12'],
    ['/dev/disk4', '/dev/disk4'],
    ['', null],
    ['hdiutil: attach failed - no\n', null],
    ['/dev/disk4s1\n', null],
    ['see /dev/disk4 \n', null],
  ])('attach %j: device %s', (text, device) => {
    expect(parseAttachedDevice(text)).toBe(device)
  })

  it.each([
    [64 * 2 ** 30, 'ram://134217728'],
    [256 * 2 ** 20, 'ram://524288'],
    [513, 'ram://2'],
  ])('%i bytes are %s', (bytes, name) => {
    expect(ramImageName(bytes)).toBe(name)
  })

  // Own sample with made-up numbers, in the format of hdiutil info.
  const info = `framework       : 700.1
driver          : 700.1
images          : 2
================================================
image-path      : /Users/ana/a : b.dmg
process ID      : 77
/dev/disk4\tGUID_partition_scheme
/dev/disk4s1\t48465300-0000-11AA-AA11-00306543ECAC\t/Volumes/Some Thing
================================================
image-path      : ram://2048
blockcount      : 2048
/dev/disk8\t\t
/dev/disk9\tEF57347C-0000-11AA-AA11-00306543ECAC\t
/dev/disk9s1\t41504653-0000-11AA-AA11-00306543ECAC\t/Volumes/Forge 1
`
  it('lists images with their devices, the whole disk first', () => {
    const images = parseHdiutilInfo(info) ?? []
    expect(images.map((image) => [image.imagePath, ramImageBytes(image)])).toEqual([
      ['/Users/ana/a : b.dmg', null],
      ['ram://2048', 1_048_576],
    ])
    expect(images.map((image) => image.holder)).toEqual([{ kind: 'program', pid: 77 }, null])
    expect(findImageOf(images, '/dev/disk9s1')?.devices).toEqual([
      { device: '/dev/disk8', mountPoint: null },
      { device: '/dev/disk9', mountPoint: null },
      { device: '/dev/disk9s1', mountPoint: '/Volumes/Forge 1' },
    ])
    expect(findImageOf(images, '/dev/disk9s')).toBeNull()
  })
  it('takes the kernel for the holder only where root attached it and no line is left out', () => {
    const whole = `image-path      : ram://2048
image-type      : read/write
blockcount      : 2048
blocksize       : 512
writeable       : TRUE
mounting user   : root
mounting mode   : <unknown>
/dev/disk8\t\t
`
    const holderOf = (text: string) => parseHdiutilInfo(text)?.[0]?.holder
    expect(holderOf(whole)).toEqual({ kind: 'kernel' })
    for (const text of [
      whole.replace('root', 'ana'),
      whole.replace(/^mounting mode.*\n/m, ''),
      whole.replace(/^blocksize.*\n/m, ''),
      whole.replace('mounting mode', 'process ID      : 0\nmounting mode'),
    ])
      expect(holderOf(text)).toBeNull()
  })
  it('finds mount points where blanks stand for the tabs, and ends lines at CR LF', () => {
    const pasted = info.replaceAll('\t', '        ')
    expect(parseHdiutilInfo(pasted)?.[0]?.devices).toEqual([
      { device: '/dev/disk4', mountPoint: null },
      { device: '/dev/disk4s1', mountPoint: '/Volumes/Some Thing' },
    ])
    expect(parseHdiutilInfo(info.replaceAll('\n', '\r\n'))?.[1]?.devices[2]).toEqual({
      device: '/dev/disk9s1',
      mountPoint: '/Volumes/Forge 1',
    })
  })
  it.each([
    [
      'an image whose device is not understood',
      info.replace('/dev/disk4s1', '/dev/disk4?s1'),
      ['ram://2048'],
    ],
    ['an image without a device', info.replace(/^\/dev\/disk4.*\n/gm, ''), ['ram://2048']],
    ['a list that was cut short', info.slice(0, info.lastIndexOf('====')), ['/Users/ana/a : b.dmg']],
    [
      'a block of another form',
      info.replace('image-path      : /Users', 'image-url : /Users'),
      ['ram://2048'],
    ],
    ['a higher count', info.replace(': 2\n', ': 3\n'), ['/Users/ana/a : b.dmg', 'ram://2048']],
  ])('uses what it understood beside %s, and says that it is not all', (_, text, paths) => {
    const images = parseHdiutilInfo(text) ?? []
    expect(images.map((image) => image.imagePath)).toEqual(paths)
    expect(leavesImagesOut(text, images)).toBe(true)
    const list = { images, isWhole: !leavesImagesOut(text, images) }
    expect(findRamImage(list, '/dev/disk77s1')).toBe('in-doubt')
    if (paths.includes('ram://2048'))
      expect(findRamImage(list, '/dev/disk9s1')).toMatchObject({ imagePath: 'ram://2048' })
  })
  it('knows a whole list, with or without its count', () => {
    for (const text of [info, info.replace(/^images.*\n/m, ''), info.replaceAll('\n', '\r\n')]) {
      const images = parseHdiutilInfo(text) ?? []
      expect(images).toHaveLength(2)
      expect(leavesImagesOut(text, images)).toBe(false)
      expect(findRamImage({ images, isWhole: true }, '/dev/disk4s1')).toBeNull()
      expect(findRamImage({ images, isWhole: true }, '/dev/disk77')).toBeNull()
    }
  })
  it.each(['ram://0', 'ram://99999999999999999999', 'ram://12 (gone)'])('%s is no RAM disk', (imagePath) => {
    expect(ramImageBytes({ imagePath, holder: null, devices: [] })).toBeNull()
  })
  // Own samples with made-up numbers, after the form that macOS 15.7.7 prints without an image.
  it.each([
    'framework       : 700.1\ndriver          : 700.1\n',
    'framework       : 700.1\r\ndriver          : 700.1\r\n',
    'framework       : 700.1\n',
    'framework       : 700.1\ndriver          : 700.1\nimages          : 0\n',
  ])('knows that nothing is attached: %j', (text) => {
    expect(parseHdiutilInfo(text)).toEqual([])
    expect(leavesImagesOut(text, [])).toBe(false)
  })
  it.each([
    '',
    '\n',
    'garbage\n',
    '<plist></plist>',
    'images : 3\n',
    'hdiutil: info failed - Device not configured\n',
  ])('knows nothing from %j', (text) => expect(parseHdiutilInfo(text)).toBeNull())
})

describe('parseDissenters', () => {
  it('reads both wordings', () => {
    const text = 'Unmount was dissented by PID 5 (/bin/x)\nit is in use by process 0 (kernel)\n'
    expect(parseDissenters(text).map((holder) => [holder.pid, holder.command])).toEqual([
      [5, '/bin/x'],
      [0, 'kernel'],
    ])
    expect(parseDissenters('Resource busy')).toEqual([])
  })
  it('keeps brackets in a name, and nothing that steers a terminal', () => {
    const text =
      'it is in use by process 7 (Google Chrome Helper (Renderer)).\nUnmount was dissented by PID 8 (/bin/\x1b[2Jx)\n'
    expect(parseDissenters(text).map((holder) => holder.command)).toEqual([
      'Google Chrome Helper (Renderer)',
      '/bin/ [2Jx',
    ])
  })
})

describe('addresses', () => {
  const ifconfig = `lo0: flags=8049<UP,LOOPBACK,RUNNING> mtu 16384
\tinet 127.0.0.1 netmask 0xff000000
en0: flags=8863<UP,BROADCAST,RUNNING> mtu 1500
\tinet 10.9.9.9 netmask 0xff000000 broadcast 10.255.255.255
\tstatus: inactive
en1: flags=8863<UP,BROADCAST,RUNNING> mtu 1500
\tinet6 fe80::1%en1 prefixlen 64
\tinet 192.168.7.42 netmask 0xffffff00 broadcast 192.168.7.255
\tstatus: active
en5: flags=8822<BROADCAST> mtu 1500
\tinet 10.8.8.8 netmask 0xff000000
utun3: flags=8051<UP,POINTOPOINT,RUNNING> mtu 1280
\tinet 100.64.1.2 --> 100.64.1.2 netmask 0xffffffff
`
  it('takes interfaces that are up and plugged in', () => {
    expect(parseIfconfig(ifconfig)).toEqual([
      { interfaceName: 'en1', address: '192.168.7.42' },
      { interfaceName: 'utun3', address: '100.64.1.2' },
    ])
    expect(parseIfconfig('')).toEqual([])
    expect(parseIfconfig('\tinet 10.0.0.1 netmask 0\n')).toEqual([])
  })
  it('reads the default route', () => {
    expect(
      parseDefaultRoute('   route to: default\n    gateway: 10.0.0.1\n  interface: en7\n      flags: <UP>\n'),
    ).toBe('en7')
    expect(parseDefaultRoute('route: writing to routing socket: not in table')).toBeNull()
  })
  it('puts tunnels last on a pretended Mac without a default route', async () => {
    const mac = createTestMac({ executables: true })
    mac.change(({ replies }) => {
      replies['ifconfig'] = { exitCode: 0, stdout: ifconfig, stderr: '' }
    })
    expect(await readDarwinLanAddresses(mac.run)).toEqual(['192.168.7.42', '100.64.1.2'])
    mac.remove()
  })
})

describe.skipIf(!hasRecordings)(
  'recorded disks and addresses (skipped where the recordings are absent)',
  () => {
    it.each(listRecordings('mount'))('understands every line of %s', (path) => {
      const lines = readRecording(path)
        .split('\n')
        .filter((line) => line !== '')
      const table = parseMountTable(lines.join('\n'))
      expect(table.length).toBeGreaterThan(0)
      expect(table).toHaveLength(lines.length)
      expect(table[0]?.mountPoint).toBe('/')
    })
    it.each([
      ['hdiutil/attach-apfs-dmg-10.13.6.txt', '/dev/disk1'],
      ['hdiutil/attach-iso-pre-10.15.txt', '/dev/disk3'],
      ['hdiutil/attach-raw-image-unpartitioned-mounted.txt', '/dev/disk4'],
      ['hdiutil/hdik-nomount-ram-ios-restore.txt', '/dev/disk4'],
      ['hdiutil/detach-no-such-file.txt', null],
    ])('finds the device of %s', (path, device) => {
      expect(parseAttachedDevice(readRecording(path))).toBe(device)
    })
    it.each(listRecordings('hdiutil').filter((path) => /info-.*\.txt$/.test(path)))(
      'understands all of %s',
      (path) => {
        const text = readRecording(path)
        const images = parseHdiutilInfo(text)
        expect(images).toHaveLength(text.match(/^image-path/gm)?.length ?? 0)
        expect(leavesImagesOut(text, images ?? [])).toBe(false)
      },
    )
    it.each(listRecordings('hdiutil').filter((path) => !/info-.*\.txt$/.test(path)))(
      'takes %s for no list of images',
      (path) => {
        expect(parseHdiutilInfo(readRecording(path))).toBeNull()
      },
    )
    it('reads RAM disks of macOS 26, mounted as "NAME 1" or not at all', () => {
      const images = parseHdiutilInfo(readRecording('hdiutil/info-ram-apfs-macos26-shortened.txt')) ?? []
      expect(images.map(ramImageBytes)).toEqual([null, 2 ** 33, 2 ** 33])
      expect(images[1]?.devices.map((entry) => entry.mountPoint)).toEqual([
        null,
        null,
        '/Volumes/smoo-ram-502 1',
      ])
      expect(images[2]?.devices).toEqual([{ device: '/dev/disk159', mountPoint: null }])
      // Root attached the last one, but half of its lines are left out in the recording: its holder is unknown.
      expect(images.map((image) => image.holder)).toEqual([null, { kind: 'program', pid: 91_006 }, null])
    })
    it('reads a RAM disk of a Chinese macOS 10.14', () => {
      const image = parseHdiutilInfo(readRecording('hdiutil/info-ram-apfs-zh_CN-10.14.txt'))?.[0]
      expect(image?.devices.map((entry) => entry.device)).toEqual([
        '/dev/disk4',
        '/dev/disk4s1',
        '/dev/disk5',
        '/dev/disk5s1',
      ])
      expect(image?.devices[3]?.mountPoint).toBe('/Volumes/Test')
    })
    it('takes no disk image for a RAM disk', () => {
      const images = parseHdiutilInfo(readRecording('hdiutil/info-three-dmgs-macos26.txt')) ?? []
      expect(images).toHaveLength(3)
      expect(images.map(ramImageBytes)).toEqual([null, null, null])
      expect(findImageOf(images, '/dev/disk9s1')?.devices[1]?.mountPoint).toBe('/Volumes/TOSHIBA ColorMFP')
    })
    it.each([
      ['diskutil/unmountDisk-dissented-spotlight.txt', 319],
      ['diskutil/eject-dissented-python3.txt', 39_140],
      ['diskutil/apfs-deleteVolume-in-use-stdout.txt', 56_610],
    ])('names who refused in %s', (path, pid) => {
      expect(parseDissenters(readRecording(path)).map((holder) => holder.pid)).toEqual([pid])
    })
    it('offers the LAN address first where a VPN holds the default route', () => {
      const found = parseIfconfig(readRecording('ifconfig/vpn-utun4-en0-active.txt'))
      const through = parseDefaultRoute(readRecording('route/get-default-vpn.txt'))
      expect(through).toBe('utun4')
      expect(rankLanAddresses(found, through)).toEqual(['192.168.1.50', '10.44.0.2'])
    })
    it('does not take the unplugged en0 for the address', () => {
      const found = parseIfconfig(readRecording('ifconfig/m1-macos26.6.2-wired-down-wifi-up.txt'))
      expect(found).toEqual([{ interfaceName: 'en1', address: '192.168.7.42' }])
      expect(parseIfconfig(readRecording('ifconfig/en0-wired-inactive.txt'))).toEqual([])
    })
  },
)
