import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../../contract/snapshot.ts'
import { sampleNow, sampleSnapshots } from '../test-support/sample-snapshots.ts'
import { findFailure, renderFailure, renderReady } from './outcome-view.ts'
import { createProgressTracker } from './progress-view.ts'
import { readWidth } from './text-line.ts'

const plain = { width: 80, color: false }
const { starting, failed, busy, stopped, unproved, foreign } = sampleSnapshots

const withEngine = (snapshot: Snapshot, over: Partial<Snapshot['services']['llamaServer']>): Snapshot => ({
  ...snapshot,
  services: { ...snapshot.services, llamaServer: { ...snapshot.services.llamaServer, ...over } },
})

describe('off a terminal', () => {
  it('prints one line for each transition and none for a counter that moves', () => {
    const tracker = createProgressTracker(sampleNow, plain)
    expect(tracker.add(stopped, sampleNow)).toEqual([])
    expect(tracker.add(starting, sampleNow + 100)).toEqual([
      '   0.1 s  Build Forge: ready',
      '   0.1 s  AI Engine: starting, Loading model',
      '   0.1 s  Router: starting, connection refused',
    ])
    expect(tracker.add(starting, sampleNow + 1000)).toEqual([])
    expect(tracker.add(withEngine(starting, { waitingFor: 'loading 10 %' }), sampleNow + 2000)).toHaveLength(
      1,
    )
    expect(tracker.add(withEngine(starting, { waitingFor: 'loading 11 %' }), sampleNow + 3000)).toEqual([])
    expect(tracker.add(busy, sampleNow + 8400)).toEqual([
      '   8.4 s  AI Engine: ready',
      '   8.4 s  Router: ready',
    ])
  })

  it('records when each stage was done', () => {
    const tracker = createProgressTracker(sampleNow, plain)
    tracker.add(starting, sampleNow + 100)
    tracker.add({ ...withEngine(busy, {}), proof: null }, sampleNow + 4100)
    tracker.add(busy, sampleNow + 8400)
    expect(tracker.stageTimes()).toEqual([
      { name: 'Build Forge', milliseconds: 100 },
      { name: 'AI Engine', milliseconds: 4100 },
      { name: 'Router', milliseconds: 4100 },
      { name: 'Claude request', milliseconds: 640 },
    ])
  })
})

describe('on a terminal', () => {
  it('shows each service with what it waits for, and the proof', () => {
    const tracker = createProgressTracker(sampleNow, plain)
    expect(tracker.render(sampleNow)).toEqual([])
    tracker.add(starting, sampleNow + 1000)
    const text = tracker.render(sampleNow + 3000).join('\n')
    expect(text).toMatch(/^● Build Forge {2}ready +1\.0 s$/m)
    expect(text).toMatch(/^◌ AI Engine {4}starting {3}Loading model +3\.0 s$/m)
    expect(text).toMatch(/^○ Claude request {2}when both servers are ready$/m)
    tracker.add({ ...busy, overall: 'starting', proof: null }, sampleNow + 5000)
    expect(tracker.render(sampleNow + 6500).at(-1)).toMatch(/^◌ Claude request {2}waiting .* 1\.5 s$/)
    tracker.add(busy, sampleNow + 8400)
    expect(tracker.render(sampleNow + 9000).at(-1)).toBe('● Claude request  answered')
  })

  it.each([30, 60, 80])('has no line over %d columns', (width) => {
    const tracker = createProgressTracker(sampleNow, { width, color: false })
    tracker.add(failed, sampleNow)
    for (const line of tracker.render(sampleNow)) expect(readWidth(line)).toBeLessThanOrEqual(width)
  })
})

describe('renderReady', () => {
  const report = {
    snapshot: busy,
    elapsedMs: 8400,
    stages: [{ name: 'AI Engine', milliseconds: 4100 }],
    baseUrl: 'http://127.0.0.1:4000',
    apiKey: 'sk-local-opta',
    note: 'only programs on this machine reach it',
  }

  it('shows the proof, the stages, what a client needs and what to do next', () => {
    const text = renderReady(report, { width: 120, color: false }).join('\n')
    expect(text).toContain(
      'Ready in 8.4 s. A Claude request went through the Router to the model and came back (12 tokens).',
    )
    expect(text).toMatch(/^ {2}AI Engine {2} +4\.1 s$/m)
    expect(text).toMatch(/^export ANTHROPIC_BASE_URL=http:\/\/127\.0\.0\.1:4000$/m)
    expect(text).toMatch(/^export ANTHROPIC_API_KEY=sk-local-opta$/m)
    expect(text).toMatch(/nexus status --watch/)
    expect(text).toContain('Note: only programs on this machine reach it.')
    expect(
      text
        .split('\n')
        .slice(-2)
        .every((line) => line.startsWith('export ')),
    ).toBe(true)
  })

  it('never cuts the lines to paste, and quotes them for the shell', () => {
    const apiKey = `it's-$HOME-${'k'.repeat(100)}`
    const text = renderReady({ ...report, apiKey }, { width: 40, color: false }).join('\n')
    expect(text).toContain(`export ANTHROPIC_API_KEY='it'\\''s-$HOME-${'k'.repeat(100)}'`)
  })
})

describe('renderFailure', () => {
  it('gives the reason, the end of the log and one command', () => {
    const logTail = Array.from({ length: 20 }, (_, i) => `log line ${i} \x1b[31m${'x'.repeat(100)}`)
    const lines = renderFailure({ snapshot: failed, logTail }, plain)
    const text = lines.join('\n')
    expect(text).toMatch(/^AI Engine is not ready: it ended with exit code 1/)
    expect(text).not.toContain('log line 11')
    expect(text).toContain('log line 12')
    expect(text).not.toContain('\x1b')
    expect(lines.at(-1)).toBe('Next: nexus doctor')
    for (const line of lines) expect(readWidth(line)).toBeLessThanOrEqual(80)
  })

  it('finds what failed: a service, a taken port, the proof', () => {
    expect(findFailure(failed).id).toBe('llamaServer')
    expect(findFailure(foreign)).toEqual({
      id: 'llamaServer',
      reason: expect.stringContaining('held by a process'),
    })
    expect(findFailure(unproved)).toEqual({ id: null, reason: expect.stringContaining('401') })
    expect(renderFailure({ snapshot: unproved, logTail: [] }, plain).at(-1)).toBe('Next: nexus doctor')
  })
})
