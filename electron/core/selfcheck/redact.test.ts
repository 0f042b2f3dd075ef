import { describe, expect, it } from 'vitest'
import { parseHdiutilInfo, parseMountTable } from '../platform/darwin-disk-text.ts'
import { parseIfconfig } from '../platform/lan-addresses.ts'
import { hasRecordings, listRecordings, readRecording } from '../platform/test-support/recordings.ts'
import { createRedactor } from './redact.ts'

const create = () =>
  createRedactor({
    userNames: ['ana', 'Ana Björk', 'root', 'bo'],
    hostNames: ['studio-7', 'studio-7.local', "Ana's Mac Studio"],
    homeDir: '/Users/ana',
  })

describe('createRedactor', () => {
  it.each([
    ['/Users/ana/Library/x and /Users/bert/y', '/Users/USER/Library/x and /Users/USER/y'],
    ['/Users/Shared/.opta-nexus-501.sock', '/Users/Shared/.opta-nexus-501.sock'],
    ['/home/carl/.cargo', '/home/USER/.cargo'],
    ['mounting user   : ana', 'mounting user   : USER'],
    ['mounting user   : root', 'mounting user   : root'],
    ['p41\ncnode\nLana\nf3\n', 'p41\ncnode\nLUSER\nf3\n'],
    ['ANA, banana, ana_1, ana.', 'USER, banana, ana_1, USER.'],
    ['ai.ana.nexus.selfcheck in Ana Nexus, of ana', 'ai.ana.nexus.selfcheck in Ana Nexus, of USER'],
    ['uid=501(ana) gid=20(staff)', 'uid=501(USER) gid=20(staff)'],
    ['real name Ana Björk', 'real name USER'],
    ["on studio-7.local, Studio-7 and Ana's Mac Studio", 'on HOST, HOST and HOST'],
    ['/private/var/folders/3k/abc_123/T/x', '/private/var/folders/xx/xxxx/T/x'],
    ['ana@example.org', 'USER@EXAMPLE.COM'],
    [
      '//bert@nas._smb._tcp.local/Fotos on /Volumes/Fotos (smbfs)',
      '//USER@HOST/SHARE on /Volumes/VOLUME-1 (smbfs)',
    ],
    ['image-path      : /Users/ana/Payslip.dmg', 'image-path      : /Users/USER/IMAGE.dmg'],
    ['image-path      : ram://32768', 'image-path      : ram://32768'],
    ['OPENAI_API_KEY => sk-live-1', 'OPENAI_API_KEY => REDACTED'],
    ['\tGITHUB_TOKEN => abc def', '\tGITHUB_TOKEN => REDACTED'],
    ['n_tokens = 512', 'n_tokens = 512'],
    ['x-api-key sk-opta-abcdefgh1234', 'x-api-key sk-REDACTED'],
    [
      'Authority=Developer ID Application: Ana B (ABCDE12345)',
      'Authority=Developer ID Application: NAME (TEAM)',
    ],
    ['TeamIdentifier=not set', 'TeamIdentifier=not set'],
  ])('%s', (text, expected) => {
    expect(create()(text)).toBe(expected)
  })

  it('keeps the kind of an address, and which lines share one', () => {
    expect(create()('192.168.7.42 10.9.8.7 192.168.7.42 8.8.8.8 100.100.1.2 169.254.3.4 172.20.1.1')).toBe(
      '192.168.0.1 10.0.0.2 192.168.0.1 192.0.2.3 100.64.0.4 169.254.0.5 172.16.0.6',
    )
  })
  it.each([
    '127.0.0.1:8080',
    '0.0.0.0',
    '255.255.255.0',
    '*.4000',
    '15.7.7',
    '683.160.3',
    '::1.8080',
    '12:34:56',
    'std::x',
    '/Volumes/OptaBuilds/target',
  ])('leaves %s alone', (text) => {
    expect(create()(text)).toBe(text)
  })
  it('redacts truncated netstat addresses with a port after the dot', () => {
    const text = `tcp4       0      0  192.168.1.5.49152     17.57.146.20.5223      ESTABLISHED
tcp6       0      0  2a02:810d:1b40:2.49153 2a00:1450:4001:8.443   ESTABLISHED
tcp6       0      0  fe80::1c2d:3e4f%en0.4000 *.*  LISTEN`
    const redacted = create()(text)
    expect(redacted).not.toMatch(/2a02|2a00|1c2d|192\.168\.1\.5|17\.57/)
    expect(redacted).toContain('192.168.0.1.49152')
    expect(redacted).toContain('fe80::ffff:3%en0.4000')
  })
  it.each([
    ['b8:27:eb:00:00:01', 'b8:27'],
    ['\tether a4:83:e7:01:02:03 ', 'a4:83'],
    ['"IOPlatformSerialNumber" = "C02ZX1ABCD"', 'C02ZX1ABCD'],
    ['      Serial Number (system): F4GH7X', 'F4GH7X'],
    ['      Provisioning UDID: 00006000-000A1B2C3D4E801E', '801E'],
    ['kern.uuid: 9A8B7C6D-1111-2222-3333-444455556666', '9A8B7C6D'],
    ['lladdr 00:11:22:33:44:55:66:77', '44:55'],
    ['inet6 2003:e8:bf0a:1234:1:2:3:4 prefixlen 64', 'bf0a'],
  ])('takes %j out', (text, secret) => {
    expect(create()(text)).not.toContain(secret)
  })
  it("handles long lines, such as ioreg's", () => {
    // Took a minute when the search for mail addresses restarted at every letter.
    const line = 'a'.repeat(200_000)
    expect(create()(line)).toBe(line)
  })
  it('keeps partition types, which the parser of hdiutil info needs', () => {
    const text = '/dev/disk9s1\t41504653-0000-11AA-AA11-00306543ECAC\t/Volumes/nexus-selfcheck-4'
    expect(create()(text)).toBe(text)
  })
  it('is consistent, so outputs can be compared', () => {
    const redact = create()
    expect(redact('10.1.1.1')).toBe(redact('10.1.1.1'))
  })
})

// Public recordings, read in place: our parsers must still read the redacted text.
describe.skipIf(!hasRecordings)('recordings, redacted', () => {
  it.each(listRecordings('ifconfig'))('%s still gives as many addresses', (path) => {
    const text = readRecording(path)
    expect(parseIfconfig(create()(text)).length).toBe(parseIfconfig(text).length)
  })
  it.each(listRecordings('hdiutil').filter((path) => path.includes('/info-') && path.endsWith('.txt')))(
    '%s still gives the same devices',
    (path) => {
      const text = readRecording(path)
      const devices = (from: string) =>
        parseHdiutilInfo(from)?.map((image) => image.devices.map(({ device }) => device))
      expect(devices(create()(text))).toEqual(devices(text))
    },
  )
  it.each(listRecordings('mount'))('%s still gives as many mounts', (path) => {
    const text = readRecording(path)
    expect(parseMountTable(create()(text)).length).toBe(parseMountTable(text).length)
  })
})
