// The three services together: who starts beside whom, what is undone after a failure, who stops first and by when.
import { describe, expect, it } from 'vitest'
import type { ServiceId, SupervisedId } from '../../contract/service-ids.ts'
import type { Phase, ServiceState } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import type { RamDiskService } from '../forge/ram-disk-service.ts'
import type { Supervisor } from '../supervise/supervisor.ts'
import { createStack, type StackGateway, type StopOptions } from './stack.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Services that end what they were asked to do when the test says so. */
const setUp = (phases: Partial<Record<ServiceId, Phase>> = {}) => {
  const calls: string[] = []
  const endings = new Map<string, (phase: Phase) => void>()
  const phase: Record<ServiceId, Phase> = {
    ramDisk: 'stopped',
    llamaServer: 'stopped',
    proxy: 'stopped',
    gateway: 'stopped',
    ...phases,
  }
  const stateOf = (id: ServiceId): ServiceState => ({ ...sampleSnapshot.services.proxy, phase: phase[id] })
  const asked = (id: ServiceId, what: 'start' | 'stop', detail = ''): Promise<ServiceState> => {
    calls.push(`${what} ${id}${detail}`)
    phase[id] = what === 'start' ? 'starting' : 'stopping'
    return new Promise((resolve) =>
      endings.set(`${what} ${id}`, (next) => {
        phase[id] = next
        resolve(stateOf(id))
      }),
    )
  }
  const supervisor = (id: SupervisedId): Supervisor => ({
    state: () => stateOf(id),
    start: () => asked(id, 'start'),
    stop: (graceMs) => asked(id, 'stop', ` within ${Math.ceil(graceMs / 1000)} s`),
    adopt: async () => phase[id] === 'ready',
    reportHealth: () => {},
    close: () => calls.push(`close ${id}`),
  })
  const ramDisk: RamDiskService = {
    state: () => stateOf('ramDisk'),
    start: () => asked('ramDisk', 'start'),
    close: async () => void calls.push('close ramDisk'),
    eject: async ({ force }) => {
      calls.push(`eject${force ? ' by force' : ''}`)
      return { kind: 'done' }
    },
    read: async () => ({
      mountPoint: '/mnt/forge',
      mounted: phase.ramDisk === 'ready',
      kind: null,
      totalBytes: null,
      usedBytes: null,
    }),
  }
  const gateway: StackGateway = {
    supervisor: phases.gateway === undefined ? null : supervisor('gateway'),
    endStray: async () => {},
  }
  const stack = createStack({
    ramDisk,
    llamaServer: supervisor('llamaServer'),
    proxy: supervisor('proxy'),
    gateway,
  })
  const finish = async (what: string, next: Phase) => {
    const end = endings.get(what)
    if (end === undefined) throw new Error(`nothing was asked to ${what}; asked: ${calls.join(', ')}`)
    endings.delete(what)
    end(next)
    await settled()
  }
  return { stack, calls, finish }
}

const all = ['ramDisk', 'llamaServer', 'proxy'] as const
const patient: StopOptions = { drainMs: 30_000, graceMs: 10_000, untilIdle: async () => {} }

describe('start', () => {
  it('starts all side by side and waits for all', async () => {
    const { stack, calls, finish } = setUp()
    let over = false
    const started = stack.start(all).then(() => {
      over = true
    })
    expect(calls).toEqual(['start ramDisk', 'start llamaServer', 'start proxy'])
    await finish('start llamaServer', 'ready')
    await finish('start proxy', 'ready')
    expect(over).toBe(false)
    await finish('start ramDisk', 'ready')
    await started
  })

  it('rolls the other server back when one fails, and waits for that', async () => {
    const { stack, calls, finish } = setUp({ ramDisk: 'ready' })
    let over = false
    const started = stack.start(['llamaServer', 'proxy']).then(() => {
      over = true
    })
    await finish('start llamaServer', 'failed')
    expect(calls).toEqual(['start llamaServer', 'start proxy', 'stop proxy within 3 s'])
    // The supervisor answers a start that a stop overtook.
    await finish('start proxy', 'stopping')
    expect(over).toBe(false)
    await finish('stop proxy', 'stopped')
    await started
    expect(calls).toHaveLength(3)
  })

  it('leaves a server alone that ran before', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready' })
    const started = stack.start(['llamaServer', 'proxy'])
    await finish('start llamaServer', 'ready')
    await finish('start proxy', 'failed')
    await started
    expect(calls).toEqual(['start llamaServer', 'start proxy'])
  })

  it('takes nothing down when the RAM disk fails: requests need none', async () => {
    const { stack, calls, finish } = setUp()
    const started = stack.start(all)
    await finish('start ramDisk', 'failed')
    await finish('start llamaServer', 'ready')
    await finish('start proxy', 'ready')
    await started
    expect(calls).toEqual(['start ramDisk', 'start llamaServer', 'start proxy'])
  })

  it('starts only what is named', async () => {
    const { stack, calls, finish } = setUp()
    const started = stack.start(['proxy'])
    await finish('start proxy', 'failed')
    await started
    expect(calls).toEqual(['start proxy'])
  })
})

describe('stop', () => {
  it('ends the Router first, with the time of the drain, then the AI Engine; the RAM disk stays', async () => {
    const { stack, calls, finish } = setUp({ ramDisk: 'ready', llamaServer: 'ready', proxy: 'ready' })
    const stopped = stack.stop(all, patient)
    await settled()
    expect(calls).toEqual(['stop proxy within 30 s'])
    await finish('stop proxy', 'stopped')
    expect(calls).toEqual(['stop proxy within 30 s', 'stop llamaServer within 10 s'])
    await finish('stop llamaServer', 'stopped')
    await stopped
  })

  it('waits for busy slots, but not beyond the deadline', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready', proxy: 'stopped' })
    const begunAt = performance.now()
    const stopped = stack.stop(['llamaServer'], {
      drainMs: 150,
      graceMs: 10_000,
      untilIdle: () => new Promise(() => {}),
    })
    await settled()
    expect(calls).toEqual([])
    await expect.poll(() => calls.length, { interval: 5, timeout: 10_000 }).toBe(1)
    expect(performance.now() - begunAt).toBeGreaterThanOrEqual(145)
    // All had their time: a stream that is still open is not waited for once more.
    expect(calls).toEqual(['stop llamaServer within 2 s'])
    await finish('stop llamaServer', 'stopped')
    await stopped
  })

  it('goes on as soon as the slots are idle', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready' })
    let idle = () => {}
    const stopped = stack.stop(['llamaServer'], {
      ...patient,
      untilIdle: () =>
        new Promise((resolve) => {
          idle = resolve
        }),
    })
    await settled()
    expect(calls).toEqual([])
    idle()
    await settled()
    expect(calls).toEqual(['stop llamaServer within 10 s'])
    await finish('stop llamaServer', 'stopped')
    await stopped
  })

  it('does not wait with a drain of 0', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready', proxy: 'ready' })
    const stopped = stack.stop(all, {
      drainMs: 0,
      graceMs: 2_000,
      untilIdle: () => Promise.reject(new Error('asked')),
    })
    await finish('stop proxy', 'stopped')
    expect(calls).toEqual(['stop proxy within 2 s', 'stop llamaServer within 2 s'])
    await finish('stop llamaServer', 'stopped')
    await stopped
  })

  it('does not wait for the slots of a server that is still loading', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'starting' })
    const stopped = stack.stop(['llamaServer'], {
      ...patient,
      untilIdle: () => Promise.reject(new Error('asked')),
    })
    await settled()
    expect(calls).toEqual(['stop llamaServer within 10 s'])
    await finish('stop llamaServer', 'stopped')
    await stopped
  })

  it.each([
    ['the Router ends', 'proxy'],
    ['slots are busy', 'llamaServer'],
  ] as const)('leaves the AI Engine running when a start comes while %s', async (_, waitingAt) => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready', proxy: 'ready' })
    let idle = () => {}
    const untilIdle = () =>
      new Promise<void>((resolve) => {
        idle = resolve
      })
    const stopped = stack.stop(all, { ...patient, untilIdle })
    if (waitingAt === 'llamaServer') await finish('stop proxy', 'stopped')
    const started = stack.start(['llamaServer', 'proxy'])
    await finish('start llamaServer', 'ready')
    // The supervisor answers a stop that a start overtook.
    if (waitingAt === 'proxy') await finish('stop proxy', 'starting')
    await finish('start proxy', 'ready')
    idle()
    await Promise.all([stopped, started])
    expect(calls.filter((call) => call.startsWith('stop llamaServer'))).toEqual([])
  })

  it('stops only what is named', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready', proxy: 'ready' })
    const stopped = stack.stop(['proxy'], patient)
    await finish('stop proxy', 'stopped')
    await stopped
    expect(calls).toEqual(['stop proxy within 30 s'])
  })
})

describe('adopt', () => {
  it('answers what was found running', async () => {
    expect(await setUp({ llamaServer: 'ready', ramDisk: 'ready' }).stack.adopt()).toEqual([
      'llamaServer',
      'ramDisk',
    ])
    expect(await setUp().stack.adopt()).toEqual([])
  })
})

it('close lets go of everything and stops nothing', async () => {
  const { stack, calls } = setUp({ llamaServer: 'ready', proxy: 'ready' })
  await stack.close()
  expect(calls).toEqual(['close llamaServer', 'close proxy', 'close ramDisk'])
})

describe('with a gateway', () => {
  it('it starts once the Router serves, and the start is over when it is', async () => {
    const { stack, calls, finish } = setUp({ gateway: 'stopped' })
    let over = false
    const started = stack.start(all).then(() => {
      over = true
    })
    await finish('start ramDisk', 'ready')
    await finish('start llamaServer', 'ready')
    expect(calls).not.toContain('start gateway')
    await finish('start proxy', 'ready')
    expect(calls.at(-1)).toBe('start gateway')
    expect(over).toBe(false)
    await finish('start gateway', 'ready')
    await started
  })

  it('one that fails takes nothing down', async () => {
    const { stack, calls, finish } = setUp({ gateway: 'stopped' })
    const started = stack.start(['llamaServer', 'proxy'])
    await finish('start llamaServer', 'ready')
    await finish('start proxy', 'ready')
    await finish('start gateway', 'failed')
    await started
    expect(calls.filter((call) => call.startsWith('stop'))).toEqual([])
  })

  it('it does not start before a Router that failed, or that was stopped meanwhile', async () => {
    const failed = setUp({ gateway: 'stopped' })
    const first = failed.stack.start(['proxy'])
    await failed.finish('start proxy', 'failed')
    await first
    expect(failed.calls).toEqual(['start proxy'])

    const stopped = setUp({ gateway: 'stopped' })
    const second = stopped.stack.start(['proxy'])
    const end = stopped.stack.stop(['proxy'], patient)
    // The supervisor answers a start as ready that a stop has just overtaken.
    await stopped.finish('start proxy', 'ready')
    await second
    expect(stopped.calls).not.toContain('start gateway')
    await stopped.finish('stop proxy', 'stopped')
    await stopped.finish('stop gateway', 'stopped')
    await end
  })

  it('it ends with the Router when a half start is rolled back', async () => {
    const { stack, calls, finish } = setUp({ gateway: 'stopped' })
    const started = stack.start(['llamaServer', 'proxy'])
    await finish('start proxy', 'ready')
    await finish('start gateway', 'ready')
    await finish('start llamaServer', 'failed')
    await finish('stop proxy', 'stopped')
    expect(calls.at(-1)).toBe('stop gateway within 3 s')
    await finish('stop gateway', 'stopped')
    await started
  })

  it('it ends after the Router and beside the AI Engine', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready', proxy: 'ready', gateway: 'ready' })
    const stopped = stack.stop(all, patient)
    expect(calls).toEqual(['stop proxy within 30 s'])
    await finish('stop proxy', 'stopped')
    expect(calls.slice(1)).toEqual(['stop gateway within 10 s', 'stop llamaServer within 10 s'])
    await finish('stop llamaServer', 'stopped')
    await finish('stop gateway', 'stopped')
    await stopped
  })

  it('it stays while the Router alone is started again, and when only the AI Engine stops', async () => {
    const { stack, calls, finish } = setUp({ llamaServer: 'ready', proxy: 'ready', gateway: 'ready' })
    const stopped = stack.stop(['proxy'], { ...patient, keepGateway: true })
    await finish('stop proxy', 'stopped')
    await stopped
    const engine = stack.stop(['llamaServer'], patient)
    await settled()
    await finish('stop llamaServer', 'stopped')
    await engine
    expect(calls).not.toContain('stop gateway within 10 s')
  })

  it('it goes on when a start overtakes the stop of the Router', async () => {
    const { stack, calls, finish } = setUp({ proxy: 'ready', gateway: 'ready' })
    const stopped = stack.stop(['proxy'], patient)
    const started = stack.start(['proxy'])
    await finish('stop proxy', 'starting')
    await stopped
    await finish('start proxy', 'ready')
    await finish('start gateway', 'ready')
    await started
    expect(calls.filter((call) => call.startsWith('stop gateway'))).toEqual([])
  })

  it('one that ended while no core ran is started beside the Router that was taken over', async () => {
    const { stack, calls, finish } = setUp({ proxy: 'ready', gateway: 'stopped' })
    expect(await stack.adopt()).toEqual(['proxy'])
    await finish('start proxy', 'ready')
    expect(calls).toEqual(['start proxy', 'start gateway'])
    const other = setUp({ proxy: 'ready', gateway: 'ready' })
    await other.stack.adopt()
    expect(other.calls).toEqual([])
  })

  it('before another profile it ends, unless that one has the same; one that is ending is waited for', async () => {
    const kept = setUp({ gateway: 'ready' })
    await kept.stack.releaseGateway(true)
    expect(kept.calls).toEqual([])
    for (const [phase, isKept] of [
      ['ready', false],
      ['stopping', true],
    ] as const) {
      const { stack, calls, finish } = setUp({ gateway: phase })
      const released = stack.releaseGateway(isKept)
      expect(calls).toEqual(['stop gateway within 3 s'])
      await finish('stop gateway', 'stopped')
      await released
    }
  })
})
