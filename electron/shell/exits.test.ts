// Which event of the system opens the window, asks, or ends the app at once.
import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { connectExits } from './exits.ts'

const connect = (platform: NodeJS.Platform = 'darwin', uptimeMs = 0) => {
  const done: string[] = []
  const sources = {
    app: new EventEmitter(),
    autoUpdater: new EventEmitter(),
    powerMonitor: new EventEmitter(),
    process: new EventEmitter(),
    platform,
    uptimeMs: () => uptimeMs,
    relaunch: () => void done.push('relaunch'),
    logError: (error: unknown) => void done.push(`log ${error}`),
  }
  const say = (what: string) => () => void done.push(what)
  const window = {
    contents: () => null,
    isVisible: () => false,
    show: say('show'),
    hide: say('hide'),
    toggle: say('toggle'),
    isPinned: () => false,
    setPinned: say('pin'),
    askOver: () => Promise.reject(new Error('no question expected')),
    allowClose: say('allow close'),
  }
  const letGo = async () => void done.push('let go')
  connectExits({ quit: { request: say('ask'), atOnce: say('leave') }, window, letGo }, sources)
  return { done, sources }
}
const preventable = (done: string[]) => ({ preventDefault: () => void done.push('prevented') })

it('shows the window when the app is opened again: the icon is never the only door', () => {
  const { done, sources } = connect()
  sources.app.emit('activate')
  sources.app.emit('second-instance')
  expect(done).toEqual(['show', 'show'])
})

it('asks before it quits', () => {
  const { done, sources } = connect()
  sources.app.emit('before-quit', preventable(done))
  expect(done).toEqual(['prevented', 'ask'])
})

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('leaves at once at %s', (signal) => {
  const { done, sources } = connect()
  sources.process.emit(signal)
  expect(done).toEqual(['leave'])
})

it('leaves at once at a shutdown, which waits for that', () => {
  const { done, sources } = connect()
  sources.powerMonitor.emit('shutdown', preventable(done))
  expect(done).toEqual(['prevented', 'leave'])
})

it('gives the core back for an update, and neither asks nor stops it', () => {
  const { done, sources } = connect()
  sources.autoUpdater.emit('before-quit-for-update')
  sources.app.emit('before-quit', preventable(done))
  expect(done).toEqual(['allow close', 'let go'])
  const elsewhere = connect('linux')
  elsewhere.sources.autoUpdater.emit('before-quit-for-update')
  expect(elsewhere.done).toEqual([])
})

it('is opened anew after a fault of its own, unless it failed right away', () => {
  const late = connect('darwin', 3_600_000)
  late.sources.process.emit('uncaughtException', new Error('disk full'))
  // Before it has left a second one: it is opened once all the same.
  late.sources.process.emit('uncaughtException', new Error('disk still full'))
  expect(late.done).toEqual([
    'log Error: disk full',
    'relaunch',
    'leave',
    'log Error: disk still full',
    'leave',
  ])
  const early = connect('darwin', 5_000)
  early.sources.process.emit('uncaughtException', new Error('broken'))
  expect(early.done).toEqual(['log Error: broken', 'leave'])
})

it('survives an unhandled rejection', () => {
  const { done, sources } = connect()
  sources.process.emit('unhandledRejection', new Error('lost'))
  expect(done).toEqual(['log Error: lost'])
})
