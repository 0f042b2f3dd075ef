// What the library answers, put into one line; and what it does not know, left out.
import { totalmem } from 'node:os'
import { expect, it } from 'vitest'
import { type MachineReading, parseMachine, readMachineIdentity, sayMachine } from './machine-identity.ts'

// The fields as systeminformation 5.33 documents them for macOS (docs, "System", "CPU", "Graphics"); assumed, not recorded.
const studio: MachineReading = {
  system: { manufacturer: 'Apple Inc.', model: 'Mac15,14' },
  cpu: {
    manufacturer: 'Apple',
    brand: 'M3 Ultra',
    physicalCores: 32,
    performanceCores: 24,
    efficiencyCores: 8,
  },
  osInfo: { distro: 'macOS', release: '27.0' },
  graphics: { controllers: [{ cores: 80 }] },
}

it('names the Studio in one line', () => {
  expect(sayMachine(parseMachine(studio, 256 * 1024 ** 3))).toBe(
    'Mac15,14, Apple M3 Ultra, 24 performance + 8 efficiency cores, 80 GPU cores, 256.00 GiB at 819 GB/s, macOS 27.0',
  )
})

it('leaves out what is not known: a container', () => {
  const container: MachineReading = {
    system: { manufacturer: '', model: 'Docker Container' },
    cpu: { manufacturer: '', brand: '', physicalCores: 0, performanceCores: 0, efficiencyCores: 0 },
    osInfo: { distro: '', release: '' },
    graphics: { controllers: [] },
  }
  expect(parseMachine(container, 1024 ** 3)).toEqual({
    model: null,
    chip: null,
    cores: null,
    performanceCores: null,
    efficiencyCores: null,
    gpuCores: null,
    memoryBytes: 1024 ** 3,
    memoryGigabytesPerSecond: null,
    system: null,
  })
  expect(sayMachine(parseMachine(container, 1024 ** 3))).toBe('1.00 GiB')
})

it.each([
  ['M3 Max', 40, 400],
  // Not on any page that was read.
  ['M3 Max', 30, null],
  ['M1', 8, null],
  ['M4 Max', 32, 410],
  ['M4 Max', 40, 546],
  ['M3 Max', 0, null],
  ['M4', 10, 120],
  // Newer than the list.
  ['M9 Ultra', 80, null],
])('takes the bandwidth of an %s with %i GPU cores for %j GB/s', (brand, cores, expected) => {
  const reading = { ...studio, cpu: { ...studio.cpu, brand }, graphics: { controllers: [{ cores }] } }
  expect(parseMachine(reading, 1024 ** 3).memoryGigabytesPerSecond).toBe(expected)
})

it('does not say the maker twice, and cores of one kind once', () => {
  const cpu = {
    manufacturer: 'Intel',
    brand: 'Intel Xeon',
    physicalCores: 8,
    performanceCores: 8,
    efficiencyCores: 0,
  }
  expect(sayMachine(parseMachine({ ...studio, cpu, graphics: { controllers: [] } }, 1024 ** 3))).toBe(
    'Mac15,14, Intel Xeon, 8 cores, 1.00 GiB, macOS 27.0',
  )
})

it('reads this machine', async () => {
  expect(await readMachineIdentity(totalmem())).toMatchObject({
    system: expect.any(String),
    memoryBytes: totalmem(),
  })
})
