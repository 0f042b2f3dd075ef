import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  chooseRelease,
  compareLocks,
  formatReport,
  missingFromPackageLock,
  readPackageLock,
  readRequirements,
  readUvReason,
} from './lock-changes.ts'

const ofProject = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8')

// Published on days around this one; versions made up.
const notAfterMs = Date.parse('2026-11-25T12:00:00Z')

describe('chooseRelease', () => {
  const releases = {
    current: '45.4.1',
    latest: '45.10.0',
    publishedAt: {
      '45.4.1': '2026-11-19T02:04:13+00:00',
      '45.9.0': '2026-11-24T20:36:15+00:00',
      '45.10.0': '2026-11-25T11:00:00+00:00',
      '46.0.0-alpha.1': '2026-11-20T00:00:00+00:00',
      '46.0.0': '2026-11-20T00:00:00+00:00',
    },
    notAfterMs,
  }

  it('takes the newest one up to what the registry recommends, by number and not by letter', () => {
    expect(chooseRelease('electron', releases)).toEqual({ version: '45.10.0', refused: [] })
  })

  it('leaves a release that is too young for the next time, and says so', () => {
    const publishedAt = { ...releases.publishedAt, '45.10.0': '2026-11-28T01:00:00+00:00' }
    expect(chooseRelease('electron', { ...releases, publishedAt })).toEqual({
      version: '45.9.0',
      refused: [
        {
          name: 'electron',
          version: '45.10.0',
          reason: 'published on 2026-11-28, and left to ripen',
        },
      ],
    })
  })

  it('does not take one of unknown age, or go back to an older one', () => {
    const publishedAt = { ...releases.publishedAt, '45.10.0': 'yesterday', '45.9.0': '' }
    expect(chooseRelease('electron', { ...releases, publishedAt }).version).toBe('45.4.1')
    expect(chooseRelease('electron', { ...releases, latest: '41.7.1' }).version).toBe('45.4.1')
  })

  it('refuses a release that is known to be bad, with the reason', () => {
    const publishedAt = { '2.1.275': '2026-11-01T00:00:00Z', '2.1.264': '2026-11-01T00:00:00Z' }
    const { version, refused } = chooseRelease('@anthropic-ai/claude-code', {
      current: '2.1.263',
      latest: '2.1.275',
      publishedAt,
      notAfterMs,
    })
    expect(version).toBe('2.1.264')
    expect(refused).toEqual([expect.objectContaining({ reason: expect.stringContaining('fail with 400') })])
  })

  it("keeps Node's types on the line of Node that is installed", () => {
    const publishedAt = { '24.19.4': '2026-11-01T00:00:00Z', '26.6.7': '2026-11-01T00:00:00Z' }
    expect(
      chooseRelease('@types/node', { current: '24.19.2', latest: '26.6.7', publishedAt, notAfterMs }),
    ).toMatchObject({ version: '24.19.4', refused: [{ version: '26.6.7' }] })
  })
})

describe('locks', () => {
  it("reads Python's, several versions of one package among them", () => {
    const found = readRequirements(ofProject('resources/requirements-litellm.txt'))
    expect(found.size).toBeGreaterThan(100)
    expect(found.get('numpy')?.length).toBeGreaterThan(1)
    expect(readRequirements('litellm[proxy]==1.108.7\nprometheus_client\n# a==1\n')).toEqual(
      new Map([['litellm', ['1.108.7']]]),
    )
  })

  it("reads npm's", () => {
    const found = readPackageLock(ofProject('package-lock.json'))
    const { devDependencies } = JSON.parse(ofProject('package.json'))
    expect(found.get('electron')).toEqual([devDependencies.electron])
    expect(found.get('@biomejs/cli-darwin-arm64')).toHaveLength(1)
  })

  it('says what came, went and moved', () => {
    const before = new Map([
      ['gone', ['1.0.0']],
      ['moved', ['1.9.0', '2.0.0']],
      ['same', ['3.1.0']],
    ])
    const after = new Map([
      ['came', ['0.1.0']],
      ['moved', ['1.9.0', '2.0.1']],
      ['same', ['3.1.0']],
    ])
    const changes = compareLocks(before, after)
    expect(changes).toEqual([
      { name: 'came', from: null, to: '0.1.0' },
      { name: 'gone', from: '1.0.0', to: null },
      { name: 'moved', from: '1.9.0, 2.0.0', to: '1.9.0, 2.0.1' },
    ])
    expect(formatReport(changes, [{ name: 'bad', version: '6.6.6', reason: 'it steals' }])).toBe(
      `Changed (package, from, to):
  came   -             0.1.0
  gone   1.0.0         gone
  moved  1.9.0, 2.0.0  1.9.0, 2.0.1

Not taken:
  bad 6.6.6: it steals`,
    )
    expect(formatReport([], [])).toBe('Nothing newer.')
  })
})

describe('missingFromPackageLock', () => {
  it.each(['package-lock.json', 'resources/claude-code/package-lock.json'])(
    '%s has the packages of every platform',
    (path) => {
      expect(missingFromPackageLock(ofProject(path))).toEqual([])
    },
  )

  it("names another platform's package that npm left out", () => {
    const lock = JSON.parse(ofProject('package-lock.json'))
    delete lock.packages['node_modules/@biomejs/cli-darwin-arm64']
    expect(missingFromPackageLock(JSON.stringify(lock))).toEqual([
      '@biomejs/cli-darwin-arm64, of node_modules/@biomejs/biome',
    ])
  })
})

it("takes the cause from uv's words", () => {
  // Recorded: uv pip compile of litellm[proxy]==1.110.2.
  const stderr = `error: No solution found when resolving dependencies for split (markers: python_full_version >= '3.15')
  cause: Because there is no version of litellm-enterprise==0.1.83.post1 and litellm[proxy]>=1.110.2 depends on litellm-enterprise==0.1.83.post1, we can conclude that litellm[proxy]>=1.110.2 cannot be used.
         And because you require litellm[proxy]==1.110.2, we can conclude that your requirements are unsatisfiable.
`
  expect(readUvReason(stderr)).toBe(
    'there is no version of litellm-enterprise==0.1.83.post1 and litellm[proxy]>=1.110.2 depends on litellm-enterprise==0.1.83.post1',
  )
  expect(readUvReason('error: no such file')).toBe('error: no such file')
})
