// The bridge: the window's only API. Runs sandboxed, so it can require only Electron.
import { contextBridge, ipcRenderer } from 'electron'
import type { Bridge } from './contract/app.ts'
import { channels, feedChannel, type Reply } from './shell/channels.ts'
import type { Topic } from './shell/feeds.ts'

let lastId = 0

const follow = <T>(topic: Topic, listener: (value: T) => void): (() => void) => {
  lastId += 1
  const id = lastId
  const channel = feedChannel(id)
  ipcRenderer.on(channel, (_event, value) => listener(value))
  void ipcRenderer.invoke(channels.follow, { id, topic })
  return () => {
    ipcRenderer.removeAllListeners(channel)
    void ipcRenderer.invoke(channels.unfollow, id)
  }
}

const invoke = async <T>(channel: string, payload: unknown): Promise<T> => {
  const reply: Reply<T> = await ipcRenderer.invoke(channel, payload)
  // Not an Error: the bridge to the page would prefix its message with "Uncaught Error: " (observed with Electron 9).
  if (!reply.ok) return Promise.reject(reply.reason)
  return reply.value
}

const bridge: Bridge = {
  onState: (listener) => follow({ kind: 'state' }, listener),
  onHistory: (listener) => follow({ kind: 'history' }, listener),
  onLogLines: (log, listener) => follow({ kind: 'log', log }, listener),
  onView: (listener) => follow({ kind: 'view' }, listener),
  dispatch: (command) => invoke(channels.dispatch, command),
  ask: (query) => invoke(channels.ask, query),
  act: (action) => invoke(channels.act, action),
}

contextBridge.exposeInMainWorld('nexus', bridge)
