import { describe, expect, it } from 'vitest'
import { parseDefaultInterface, rankLanAddresses, readLinuxLanAddresses } from './lan-addresses.ts'

const at = (interfaceName: string, address: string) => ({ interfaceName, address })

describe('rankLanAddresses', () => {
  it('puts the default route first and bridges last', () => {
    const found = [
      at('docker0', '172.17.0.1'),
      at('wlan0', '192.168.7.3'),
      at('br-1a2b3c', '172.18.0.1'),
      at('eth1', '10.9.8.7'),
    ]
    expect(rankLanAddresses(found, 'eth1')).toEqual(['10.9.8.7', '192.168.7.3', '172.17.0.1', '172.18.0.1'])
  })
  it('keeps the order of the system where there is no default route', () => {
    expect(rankLanAddresses([at('en1', '10.0.0.2'), at('en0', '10.0.0.1')], null)).toEqual([
      '10.0.0.2',
      '10.0.0.1',
    ])
  })
  it('takes even a bridge first when the default route goes through it', () => {
    expect(rankLanAddresses([at('eth0', '10.0.0.1'), at('br0', '10.0.0.2')], 'br0')).toEqual([
      '10.0.0.2',
      '10.0.0.1',
    ])
  })
  it('puts the LAN before a tunnel that holds the default route, and the tunnel before bridges', () => {
    const found = [at('bridge100', '192.168.64.1'), at('utun4', '10.44.0.2'), at('en0', '192.168.1.50')]
    expect(rankLanAddresses(found, 'utun4')).toEqual(['192.168.1.50', '10.44.0.2', '192.168.64.1'])
    for (const name of ['ppp0', 'ipsec0', 'wg0', 'tun0', 'tailscale0', 'feth12'])
      expect(rankLanAddresses([at(name, '10.0.0.9'), at('en1', '10.1.1.1')], name)[0]).toBe('10.1.1.1')
    expect(rankLanAddresses([at('utun4', '10.44.0.2')], 'utun4')).toEqual(['10.44.0.2'])
  })
  it('leaves out loopback, link-local, IPv6 and rubbish, and repeats nothing', () => {
    const found = ['127.0.0.1', '169.254.3.4', 'fe80::1', '', '0.0.0.0', '10.1.1.1', '10.1.1.1'].map((a) =>
      at('en0', a),
    )
    expect(rankLanAddresses(found, 'en0')).toEqual(['10.1.1.1'])
  })
})

describe('parseDefaultInterface', () => {
  const header = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
  const route = (name: string, flags: string, metric: number, destination = '00000000', mask = '00000000') =>
    `${name}\t${destination}\t0100000A\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0\n`
  it('takes the default route with the lowest metric', () => {
    const text =
      header +
      route('wlan0', '0003', 600) +
      route('eth0', '0003', 100) +
      route('eth2', '0001', 0, '0000000A', '00FFFFFF')
    expect(parseDefaultInterface(text)).toBe('eth0')
  })
  it('ignores routes that are down, and answers null where there is none', () => {
    expect(parseDefaultInterface(header + route('wlan0', '0002', 1))).toBeNull()
    expect(parseDefaultInterface('')).toBeNull()
    expect(parseDefaultInterface('x\ny z\n')).toBeNull()
  })
})

describe.skipIf(process.platform !== 'linux')('addresses of this machine (Linux only)', () => {
  it('lists IPv4 addresses without loopback', async () => {
    for (const address of await readLinuxLanAddresses()) {
      expect(address).toMatch(/^[0-9]+(\.[0-9]+){3}$/)
      expect(address.startsWith('127.')).toBe(false)
    }
  })
})
