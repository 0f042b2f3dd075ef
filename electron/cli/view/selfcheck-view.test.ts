import { describe, expect, it } from 'vitest'
import { renderBegun, renderEnd, renderGroup, renderProbe } from './selfcheck-view.ts'
import { readWidth } from './text-line.ts'

const options = { width: 60, color: false }
const found = 'hdiutil info is not understood: no RAM disk can be made or ejected, and more of the like'

describe('a probe', () => {
  it('is one fitting line when it passed, and shows the assumption when it failed', () => {
    const probe = { id: 'forge.images', found, assumed: 'hdiutil info is understood' }
    const passed = renderProbe({ ...probe, verdict: 'pass' }, options)
    expect(passed).toEqual(['  pass  forge.images          hdiutil info is not understoo…'])
    const failed = renderProbe({ ...probe, verdict: 'fail' }, options)
    expect(failed[0]).toMatch(/^ {2}FAIL {2}forge\.images/)
    expect(failed.join(' ').replaceAll(/\s+/g, ' ')).toContain(`${found} assumed: hdiutil info is understood`)
    expect(Math.max(...failed.map(readWidth))).toBeLessThanOrEqual(60)
  })

  it('is shown while it runs, in one line that a terminal does not wrap', () => {
    const begun = renderBegun(
      { id: 'forge.images', group: 'Build Forge', assumed: found, limitMs: 1, run: () => Promise.reject() },
      options,
    )
    expect(begun).toMatch(/^ {2}\.\.\. {3}forge\.images/)
    expect(readWidth(begun)).toBeLessThan(60)
    expect(renderGroup('Build Forge', options)).toBe('Build Forge')
  })
})

it('the end shows the summary, what is left, what to do by hand, and what comes next', () => {
  const lines = renderEnd(
    {
      summary: { pass: 20, fail: 1, notApplicable: 3 },
      left: ['the RAM disk (busy); remove it: hdiutil detach -force /dev/disk4'],
      askedOnMac: [
        { id: 'launchd.bootstrap', assumed: 'A job is taken.' },
        { id: 'app.signature', assumed: 'They are set.' },
      ],
      byHand: ['Log out and in.', 'Reboot.'],
      next: 'Send the folder.',
      folder: '/out',
      milliseconds: 61_400,
      system: {
        name: 'macOS',
        version: '26.1',
        build: null,
        machine: 'arm64',
        model: null,
        memoryBytes: 1,
        node: '24',
        nexus: '0.1.0',
      },
      startedFrom: { kind: 'agent', because: '' },
    },
    { width: 120, color: false },
  )
  expect(lines).toEqual([
    '',
    'Asked only on a Mac',
    '  launchd.bootstrap  A job is taken.',
    '  app.signature      They are set.',
    '',
    'By hand',
    ' 1. Log out and in.',
    ' 2. Reboot.',
    '',
    '20 passed, 1 failure, 3 not applicable, in 61 s on macOS 26.1 (arm64), started from agent',
    'Left behind: the RAM disk (busy); remove it: hdiutil detach -force /dev/disk4',
    'The raw output is in /out',
    'Send the folder.',
  ])
})

it('the steps by hand are not cut in a narrow terminal', () => {
  const text = `${'word '.repeat(60)}the command at the end`
  const report: Parameters<typeof renderEnd>[0] = {
    summary: { pass: 0, fail: 0, notApplicable: 0 },
    left: [],
    askedOnMac: [],
    byHand: [text],
    next: '',
    folder: null,
    milliseconds: 0,
    system: {
      name: 'macOS',
      version: null,
      build: null,
      machine: '',
      model: null,
      memoryBytes: 1,
      node: '',
      nexus: '',
    },
    startedFrom: { kind: 'ssh', because: '' },
  }
  const said = renderEnd(report, { width: 24, color: false }).map((line) => line.trim())
  expect(said.join(' ')).toContain('the command at the end')
})
