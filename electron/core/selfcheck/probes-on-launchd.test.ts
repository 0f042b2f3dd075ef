// The probes on launchd, with an imitated launchctl that starts and ends real processes.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LaunchdJobSpec } from '../platform/launchd/plist.ts'
import { createLinuxPlatform } from '../platform/linux-platform.ts'
import { runAsAgent } from './launchd-job.ts'
import { probesOnLaunchd } from './probes-on-launchd.ts'
import { createTestLaunchctl, type TestLaunchctlOptions } from './test-support/launchctl.ts'
import { createTestContext, exited, tryProbes } from './test-support/probes.ts'

let workDir: string
beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), 'nexus-launchd-'))
})
afterEach(() => rmSync(workDir, { recursive: true, force: true }))

const createProbes = (settleMs: number, env: Readonly<Record<string, string>> = {}) =>
  probesOnLaunchd(
    createTestContext({
      workDir,
      env,
      createPlatform: (run) => ({ ...createLinuxPlatform({ ramDiskRoot: workDir, run }), id: 'darwin' }),
    }),
    settleMs,
  )

/** Jobs and the processes they started. */
const listLeft = (mark: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)
          ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
          : []
      } catch {
        return []
      }
    })

const ids = createProbes(0).map(({ id }) => id)

const tryOn = async (options: TestLaunchctlOptions, only: readonly string[] = ids, env = {}) => {
  const launchctl = createTestLaunchctl(options)
  const { results, left } = await tryProbes(
    createProbes(options.endsChildren === true ? 10_000 : 50, env),
    only,
    launchctl.run,
  )
  expect(left).toEqual([])
  expect(launchctl.loaded()).toEqual([])
  expect(listLeft(launchctl.mark)).toEqual([])
  return { results, journal: launchctl.journal }
}

describe.skipIf(process.platform !== 'linux')('with an imitated launchctl', () => {
  it('all pass when launchd behaves as reported, leaving no job or child', async () => {
    const { results, journal } = await tryOn({})
    expect(Object.entries(results).filter(([, { verdict }]) => verdict !== 'pass')).toEqual([])
    expect(results['launchd.child-exit']?.found).toBe('in gui/501, exit 0: the child lives on')
    expect(results['launchd.child-bootout']?.found).toBe('in gui/501, bootout: the child lives on')
    expect(results['launchd.child-kickstart']?.found).toMatch(/a new pid after \d+ ms/)
    expect(journal.find((line) => line.includes('bootstrap'))).toContain('launchd jobs')
  })

  it('all pass without a user at the screen, in the user’s own domain', async () => {
    const { results } = await tryOn({ isHeadless: true })
    expect(Object.entries(results).filter(([, { verdict }]) => verdict !== 'pass')).toEqual([])
    expect(results['launchd.child-exit']?.found).toContain('in user/501')
  })

  it('each way of ending fails when the children end too; bootout only reports it', async () => {
    const ends = [
      'launchd.child-sigterm',
      'launchd.child-sigkill',
      'launchd.child-kickstart',
      'launchd.child-bootout',
    ]
    const { results } = await tryOn({ endsChildren: true }, ends)
    expect(ends.map((id) => results[id]?.verdict)).toEqual(['fail', 'fail', 'fail', 'pass'])
    expect(results['launchd.child-bootout']?.found).toContain('the child ended too')
  })

  it('launchd.again retries until the label is free, and counts the attempts', async () => {
    const { results } = await tryOn({ drainingAttempts: 3 }, ['launchd.again'])
    expect(results['launchd.again']?.found).toMatch(/loaded at attempt 3/)
  })

  it('launchd.quarantine fails on a macOS before 27 that refuses it', async () => {
    const { results } = await tryOn({ refusesQuarantine: true }, ['launchd.quarantine'])
    expect(results['launchd.quarantine']).toMatchObject({ verdict: 'fail' })
  })

  it("launchd.bootstrap fails in its starter's coalition", async () => {
    const label = 'application.com.apple.Terminal.1.2'
    const instead: TestLaunchctlOptions['instead'] = (argv) =>
      argv[2] === `gui/501/${label}`
        ? Promise.resolve(
            exited('x = {\n\tstate = running\n\tpid = 7\n\tresource coalition = {\n\t\tID = 1140\n\t}\n}\n'),
          )
        : null
    const { results } = await tryOn({ instead }, ['launchd.bootstrap'], { XPC_SERVICE_NAME: label })
    expect(results['launchd.bootstrap']).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('ends together with its starter'),
    })
  })

  it.each([
    ['launchd.domains', 'print', exited('', 36, 'Operation now in progress\n')],
    ['launchd.bootstrap', 'bootstrap', exited('', 134, 'Bootstrap failed: 134\n')],
    ['launchd.child-exit', 'bootstrap', exited('', 119, 'Service is disabled\n')],
  ])('%s fails on another answer of %s, and names it', async (id, verb, reply) => {
    const instead: TestLaunchctlOptions['instead'] = (argv) =>
      argv[1] === verb && argv[2]?.includes('.none') !== (verb !== 'print') ? Promise.resolve(reply) : null
    const { results } = await tryOn({ instead }, [id])
    expect(results[id]).toMatchObject({ verdict: 'fail' })
    if (reply.kind === 'exited') expect(results[id]?.found).toContain(reply.stderr.trim())
  })

  it('launchd.duplicate fails when launchd does not refuse', async () => {
    let bootstraps = 0
    const instead: TestLaunchctlOptions['instead'] = (argv) => {
      if (argv[1] !== 'bootstrap') return null
      bootstraps += 1
      return bootstraps === 1 ? null : Promise.resolve(exited(''))
    }
    const { results } = await tryOn({ instead }, ['launchd.duplicate'])
    expect(results['launchd.duplicate']).toMatchObject({ verdict: 'fail' })
  })
})

describe.skipIf(process.platform !== 'linux')('runAsAgent', () => {
  const createSpec = (script: string): LaunchdJobSpec => ({
    label: 'ai.opta.nexus.selfcheck',
    argv: ['/bin/sh', '-c', script],
    env: { HOME: '/Users/ana' },
    logPath: join(workDir, 'agent.log'),
    lifetime: 'once',
    userName: null,
  })
  const follow = (script: string, launchctl = createTestLaunchctl(), stop = new AbortController()) => {
    const lines: string[] = []
    const done = runAsAgent({
      run: launchctl.run,
      uid: 501,
      spec: createSpec(script),
      plistPath: join(workDir, 'agent job.plist'),
      signal: stop.signal,
      onLine: (line) => {
        lines.push(line)
        if (line === 'ready') stop.abort()
      },
    })
    return { lines, done, launchctl }
  }

  it('reports each line, ends with the job, and leaves it unloaded', async () => {
    const { lines, done, launchctl } = follow('echo one; echo; echo two')
    await done
    expect(lines).toEqual(['one', '', 'two'])
    expect(launchctl.loaded()).toEqual([])
  })

  it('lets an interrupted job clean up before it is unloaded', async () => {
    const { lines, done, launchctl } = follow(
      'trap "echo cleared; exit" TERM; echo ready; while :; do sleep 0.05; done',
    )
    await done
    expect(lines).toEqual(['ready', 'cleared'])
    expect(launchctl.journal.findIndex((line) => line.startsWith('launchctl kill SIGTERM'))).toBeLessThan(
      launchctl.journal.findIndex((line) => line.startsWith('launchctl bootout')),
    )
  })

  it("reports launchd's refusal, and that another run is active", async () => {
    const refusing = createTestLaunchctl({
      instead: (argv) =>
        argv[1] === 'bootstrap' ? Promise.resolve(exited('', 5, 'Bootstrap failed: 5\n')) : null,
    })
    await expect(follow('true', refusing).done).rejects.toThrow(/bootstrap gui\/501 .*Bootstrap failed: 5/)
    const loaded = createTestLaunchctl({
      instead: (argv) =>
        argv[1] === 'print' ? Promise.resolve(exited('x = {\n\tstate = running\n\tpid = 7\n}\n')) : null,
    })
    await expect(follow('true', loaded).done).rejects.toThrow(/already loaded/)
  })
})
