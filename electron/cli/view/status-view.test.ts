import { describe, expect, it } from 'vitest'
import type { Notice } from '../../contract/notice.ts'
import { type Snapshot, SnapshotSchema } from '../../contract/snapshot.ts'
import { sampleNow, sampleSnapshots } from '../test-support/sample-snapshots.ts'
import { renderNotices, renderStatus } from './status-view.ts'
import { readLineWidth, readWidth } from './text-line.ts'

const render = (snapshot: Snapshot, width = 80): string =>
  renderStatus(snapshot, { width, color: false, now: sampleNow }).join('\n')
const samples: readonly (readonly [string, Snapshot])[] = Object.entries(sampleSnapshots)
const escapeCodes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')

describe.each(samples)('the view of %s', (_name, snapshot) => {
  it('is made from a valid snapshot', () => {
    expect(SnapshotSchema.safeParse(snapshot).error).toBeUndefined()
  })

  it.each([20, 40, 60, 72, 80, 100, 120, 300])('has no line over %d columns', (width) => {
    for (const line of render(snapshot, width).split('\n')) expect(readWidth(line)).toBeLessThanOrEqual(width)
  })

  it('fits a terminal of 80 x 24', () => {
    expect(render(snapshot).split('\n').length).toBeLessThanOrEqual(24)
  })

  it('says the same without colour', () => {
    const coloured = renderStatus(snapshot, { width: 80, color: true, now: sampleNow })
    expect(coloured.join('\n').replace(escapeCodes, '')).toBe(render(snapshot))
    expect(coloured.join('\n')).not.toBe(render(snapshot))
  })
})

describe('the one answer', () => {
  const firstLine = (snapshot: Snapshot): string => render(snapshot).split('\n')[0] ?? ''

  it.each([
    ['busy', /^● Ready {3}1 slot free, a new agent starts at once/],
    ['idle', /^● Ready {3}4 slots free, a new agent starts at once/],
    ['full', /^● Full {3}all 4 busy: a new agent waits behind 2 others/],
    ['shared', /^● Full {3}all 4 busy: a new agent waits behind 3 others/],
    ['stopped', /^○ Stopped {3}no agent gets answers until you start the stack/],
    ['starting', /^● Starting {3}AI Engine: Loading model/],
    ['degraded', /^● Degraded {3}AI Engine: no answer/],
    ['failed', /^● Failed {3}AI Engine: it ended with exit code 1/],
    ['unproved', /^● Degraded {3}The Router answered the test message with 401/],
  ] as const)('%s', (name, expected) => expect(firstLine(sampleSnapshots[name])).toMatch(expected))

  it.each([40, 80])('of a stopped stack comes with the command that starts it (%d columns)', (width) => {
    expect(render(sampleSnapshots.stopped, width)).toMatch(/`nexus up` starts it/)
  })

  it('counts on: without a queue, a fifth agent waits its turn', () => {
    const quiet = { ...sampleSnapshots.full, queue: { processing: 4, deferred: 0 } }
    expect(firstLine(quiet)).toMatch(/all 4 busy: a fifth agent waits its turn/)
    expect(firstLine({ ...quiet, slots: sampleSnapshots.full.slots.slice(0, 1) })).toMatch(
      /the one slot is busy: a second agent/,
    )
  })

  it("shows the slots' developers, who waits, and today's use", () => {
    const text = render(sampleSnapshots.shared, 100)
    expect(text).toMatch(/^ {2}0 generating {2}anna {9}3f9a .* 99 % hit/m)
    expect(text).toMatch(/^ {2}1 generating {2}a-very-long/m)
    expect(text).toMatch(/^ {2}2 prefill {14,}.* – hit/m)
    expect(text).toContain('3 requests waiting for a slot: anna 2, ben')
    expect(text).toContain('today: anna 42 requests (1 failed), 812k in (95 % found in the cache), 30k out')
    expect(text).not.toContain('ben 0 requests')
    const [anna] = sampleSnapshots.shared.developers
    const twice = render({ ...sampleSnapshots.shared, developers: [anna, { ...anna, developer: 'ben' }] }, 80)
    expect(twice).toMatch(
      /today: anna .*in \(95 % found in the cache\).*\n {11}ben .*in \(95 % found in the cache\)/,
    )
    const developers = sampleSnapshots.shared.developers.map((use) => ({ ...use, cachedTokens: null }))
    expect(render({ ...sampleSnapshots.shared, developers }, 80)).toContain('812k in (– found in the cache)')
    expect(render(sampleSnapshots.shared, 50)).not.toContain('a-very-long')
    expect(render(sampleSnapshots.full, 100)).not.toContain('today')
  })

  it('shows that the numbers are old', () => {
    const old = { ...sampleSnapshots.busy, takenAt: sampleNow - 75_000 }
    expect(firstLine(old)).toMatch(/1 min 15 s old$/)
    expect(firstLine(sampleSnapshots.busy)).not.toMatch(/old/)
  })
})

describe('unknown values', () => {
  it('is a dash, not a zero', () => {
    const text = render(sampleSnapshots.full)
    expect(text).toMatch(/^ {2}2 prefill .* – read$/m)
    expect(text).toMatch(/^ {2}3 generating .* – t\/s$/m)
    const blind = {
      ...sampleSnapshots.busy,
      slots: null,
      queue: null,
      throughput: null,
      memory: null,
      ramDisk: null,
    }
    const dark = render(blind)
    expect(dark).toMatch(/^● Ready {3}requests are answered; slots are not known right now/m)
    expect(dark).toMatch(/^Slots {2}not known$/m)
    expect(dark).toMatch(/^Tokens\/s +– +generating · – prefill · draft –$/m)
    expect(dark).toMatch(/^Memory +not known$/m)
    expect(dark).toMatch(/^Build Forge +not known$/m)
  })

  it('shows unknown swap as not known, never as none', () => {
    const { memory } = sampleSnapshots.busy
    if (memory === null) throw new Error('the sample has memory')
    const text = render({ ...sampleSnapshots.busy, memory: { ...memory, swapUsedBytes: null } })
    expect(text).toContain('swap not known')
    expect(text).not.toContain('no swap')
  })

  it('shows what the RAM disk holds only if it is known', () => {
    const { ramDisk } = sampleSnapshots.busy
    if (ramDisk === null) throw new Error('the sample has a RAM disk')
    const held = (heldBytes: number | null) =>
      render({ ...sampleSnapshots.busy, ramDisk: { ...ramDisk, heldBytes } })
    expect(held(23_100_000_000)).toContain('64 GiB reserved, 19.9 used, 21.5 held')
    expect(held(null)).not.toContain('held')
  })

  it("shows the forge's largest projects, and which is being built", () => {
    const project = (path: string, bytes: number, building: boolean) =>
      ({ path, bytes, owner: 'anna', lastBuildAt: null, building }) as const
    const { ramDisk } = sampleSnapshots.busy
    if (ramDisk === null) throw new Error('the sample has a RAM disk')
    const projects = [
      project('/Users/anna/small', 1e6, false),
      project('/Users/anna/nexus-core', 9.1e9, true),
      project('/Users/ben/opta-ios', 7.7e9, false),
      project('/Users/ben/tools', 4.6e9, false),
    ]
    const text = render({ ...sampleSnapshots.busy, ramDisk: { ...ramDisk, projects } })
    expect(text).toMatch(/^ +nexus-core 8\.5 GiB building +· +opta-ios 7\.2 GiB +· +tools 4\.3 GiB$/m)
    expect(text).not.toContain('small')
  })

  it('is explained where the system lacks the notion', () => {
    expect(render(sampleSnapshots.linuxWithoutRamDisk)).toMatch(/wired: not a Linux notion/)
    expect(render(sampleSnapshots.busy)).toMatch(/wired 122\.0 GiB/)
  })
})

describe('trouble', () => {
  it('of an engine that serves without drafts is shown below its line', () => {
    const speculationFailure = 'It generates without drafts: draft model vocab type must match target model.'
    const text = render({ ...sampleSnapshots.busy, speculationFailure })
    expect(text).toMatch(
      /AI Engine .*\n +It generates without drafts: draft model vocab type must match target\s+model\.\n +→ nexus doctor$/m,
    )
    expect(render(sampleSnapshots.busy)).not.toContain('without drafts')
  })

  it('shows the whole reason and the command that fixes it', () => {
    const text = render(sampleSnapshots.failed).replaceAll(/\n {2}(?=\S)/g, ' ')
    expect(text).toMatch(/failed to open GGUF file '\/Users\/opta\/models\/.*No such file or directory\)/)
    expect(render(sampleSnapshots.failed)).toMatch(/^ {2}→ nexus doctor$/m)
    expect(render(sampleSnapshots.degraded)).toMatch(
      /2 restarts[^\n]*\n {2}no answer[^\n]*\n {2}→ nexus logs llamaServer --follow/,
    )
  })

  it('names the process that holds a port', () => {
    expect(render(sampleSnapshots.foreign)).toMatch(
      /held by \/opt\/homebrew\/bin\/llama-server \(pid 812, user anna\)/,
    )
  })

  it("keeps a hostile reason's control characters off the terminal", () => {
    const { services } = sampleSnapshots.failed
    const llamaServer = { ...services.llamaServer, reason: '\x1b[2J\x1b]0;owned\x07bad\nnews\r' }
    const text = render({ ...sampleSnapshots.failed, services: { ...services, llamaServer } })
    expect(text).not.toContain('\x1b')
    expect(text).toContain('bad news')
  })
})

describe('many slots', () => {
  const slots = Array.from({ length: 64 }, (_, id) => ({
    ...sampleSnapshots.idle.slots[1],
    id,
    phase: id === 60 ? ('generating' as const) : ('idle' as const),
  }))

  it('shows the busy ones and counts the rest', () => {
    const text = render({ ...sampleSnapshots.busy, slots })
    expect(text).toMatch(/^ 60 generating/m)
    expect(text).toMatch(/and 56 more, 56 of them free/)
    expect(text.split('\n').length).toBeLessThanOrEqual(26)
  })
})

it('keeps columns in place while numbers change', () => {
  const rows = render(sampleSnapshots.full)
    .split('\n')
    .filter((line) => /^ {2}\d (generating|prefill|free)/.test(line))
  expect(new Set(rows.map((line) => line.indexOf('/ 128k'))).size).toBe(1)
  expect(new Set(rows.map((line) => readWidth(line)))).toEqual(new Set([80]))
})

it('a gateway has its row, its reason, and the headline if nothing is worse', () => {
  const snapshot = sampleSnapshots.busy
  const gateway = { ...snapshot.services.proxy, endpoint: 'http://ai.opta.local' }
  const options = { width: 100, color: false, now: sampleNow }
  expect(renderStatus(snapshot, options).join('\n')).not.toContain('Gateway')
  expect(
    renderStatus({ ...snapshot, services: { ...snapshot.services, gateway } }, options).join('\n'),
  ).toMatch(/● Gateway +ready +http:\/\/ai\.opta\.local /)
  const failed = { ...gateway, phase: 'failed' as const, reason: 'port 80 is held by nginx', endpoint: null }
  const services = { ...snapshot.services, gateway: failed }
  const degraded = { ...snapshot, overall: 'degraded' as const, services }
  expect(renderStatus(degraded, options)[0]).toContain('Gateway: port 80 is held by nginx')
  expect(renderStatus({ ...degraded, proofFailure: 'no answer in time' }, options)[0]).toContain('no answer')
})

it('unanswered requests are worse than a lost RAM disk, which has its row', () => {
  const { unproved, busy } = sampleSnapshots
  const ramDisk = { ...busy.services.ramDisk, phase: 'failed' as const, reason: 'hdiutil: no space left' }
  const lines = render({ ...unproved, services: { ...busy.services, ramDisk } }).split('\n')
  expect(lines[0]).toMatch(/^● Degraded {3}The Router answered the test message with 401/)
  // Whole, since no row of a service has it.
  expect(lines[1]).toContain('differ.')
  expect(lines.join('\n')).toContain('hdiutil: no space left')
})

const notice = (id: string, change: Partial<Notice> = {}): Notice => ({
  id,
  since: sampleNow - 60_000,
  severity: 'warning',
  title: 'Memory is being swapped out',
  body: '5 MiB per second, 3 GiB in swap: the model and builds slow down.',
  view: { id: 'plan', service: null },
  raise: true,
  ...change,
})

it('notices stand under the headline', () => {
  const snapshot = { ...sampleSnapshots.busy, notices: [notice('swap-growing')] }
  const lines = renderStatus(snapshot, { width: 100, color: false, now: sampleNow })
  expect(lines[1]).toBe(
    '! Memory is being swapped out   5 MiB per second, 3 GiB in swap: the model and builds slow down.',
  )
  expect(renderStatus(snapshot, { width: 80, color: false, now: sampleNow }).length).toBeLessThanOrEqual(24)
})

it.each(['slots-full', 'failed-proxy', 'degraded-llamaServer', 'crashed-proxy', 'claude-unanswered'])(
  'notices leave out %s, which is on the screen already',
  (id) => expect(renderNotices({ notices: [notice(id)] }, 80)).toEqual([]),
)

it('notices leave out mere information', () => {
  expect(renderNotices({ notices: [notice('anything', { severity: 'info' })] }, 80)).toEqual([])
})

it.each([20, 40, 80])('notices fit into %i columns, three of them', (width) => {
  const lines = renderNotices({ notices: ['a', 'b', 'c', 'd'].map((id) => notice(id)) }, width)
  expect(lines).toHaveLength(3)
  for (const line of lines) expect(readLineWidth(line)).toBeLessThanOrEqual(Math.max(width, 29))
})
