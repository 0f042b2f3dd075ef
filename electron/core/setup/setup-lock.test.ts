import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withSetupLock } from './setup-lock.ts'
import type { SetupProgress } from './setup-step.ts'

let runtimeDir = ''
beforeEach(() => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'nexus-lock-'))
})
afterEach(() => rmSync(runtimeDir, { recursive: true, force: true }))

const contextFor = (
  report: (progress: SetupProgress) => void = () => {},
  signal = new AbortController().signal,
) => ({
  runtimeDir,
  resourcesDir: '/nowhere',
  report,
  signal,
})

describe('withSetupLock', () => {
  it('lets the second wait, say so, and go on when the first is done', async () => {
    const order: string[] = []
    const inside = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const first = withSetupLock(contextFor(), 'litellm', async () => {
      inside.resolve()
      await mayEnd.promise
      order.push('first ends')
    })
    await inside.promise
    const second = withSetupLock(
      contextFor((progress) => {
        order.push(progress.message)
        mayEnd.resolve()
      }),
      'litellm',
      async () => {
        order.push('second runs')
      },
    )
    await Promise.all([first, second])
    expect(order).toEqual(['Waiting for another set-up of the same part', 'first ends', 'second runs'])
  })

  it('is free again after a failure, and different steps do not wait for one another', async () => {
    await expect(
      withSetupLock(contextFor(), 'litellm', () => Promise.reject(new Error('made to fail'))),
    ).rejects.toThrow('made to fail')
    const nested = withSetupLock(contextFor(), 'litellm', () =>
      withSetupLock(contextFor(), 'demo-model', async () => 'done'),
    )
    await expect(nested).resolves.toBe('done')
  })

  it('stops waiting when cancelled', async () => {
    const cancel = new AbortController()
    await withSetupLock(contextFor(), 'litellm', async () => {
      const second = withSetupLock(
        contextFor(() => cancel.abort(), cancel.signal),
        'litellm',
        async () => 'ran',
      )
      await expect(second).rejects.toThrow('aborted')
    })
  })

  it('is free after kill -9 of the process that held it', async () => {
    const source = `
      import { withSetupLock } from ${JSON.stringify(join(import.meta.dirname, 'setup-lock.ts'))}
      const context = { runtimeDir: ${JSON.stringify(runtimeDir)}, resourcesDir: '', report() {}, signal: new AbortController().signal }
      await withSetupLock(context, 'litellm', () => new Promise((resolve) => { console.log('locked'); setInterval(() => {}, 1000) }))`
    const holder = execa(process.execPath, ['--input-type=module', '--eval', source], {
      reject: false,
      timeout: 20_000,
    })
    await once(holder.stdout, 'data')
    holder.kill('SIGKILL')
    await holder
    await expect(withSetupLock(contextFor(), 'litellm', async () => 'mine')).resolves.toBe('mine')
  })
})
