import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createLiveScreen } from './live-screen.ts'

const esc = '\x1b['

const createFakes = (mode: 'full' | 'inline', rows = 24) => {
  let written = ''
  const resizes = new EventEmitter()
  const signals = new EventEmitter()
  const killed: string[] = []
  let resized = 0
  const stream = {
    rows,
    write: (text: string) => {
      written += text
    },
    on: (event: string, listener: () => void) => resizes.on(event, listener),
    off: (event: string, listener: () => void) => resizes.off(event, listener),
  }
  const process = {
    pid: 1234,
    on: (event: string, listener: () => void) => signals.on(event, listener),
    off: (event: string, listener: () => void) => signals.off(event, listener),
    listenerCount: (event: string) => signals.listenerCount(event),
    kill: (pid: number, signal: string) => killed.push(`${pid} ${signal}`),
  }
  const screen = createLiveScreen({ stream, mode, process, onResize: () => resized++ })
  const take = (): string => {
    const text = written
    written = ''
    return text
  }
  return { screen, take, signals, resizes, killed, readResized: () => resized }
}

describe('full screen', () => {
  it('hides the cursor, rewrites only changed lines, and clears the rest of a taller picture', () => {
    const { screen, take } = createFakes('full')
    expect(take()).toBe(`${esc}?1049h${esc}?25l${esc}H`)
    screen.draw(['one', 'two', 'three'])
    take()
    screen.draw(['one', 'TWO', 'three'])
    expect(take()).toBe(`${esc}?2026h${esc}2;1H${esc}KTWO${esc}?2026l`)
    screen.draw(['one', 'TWO', 'three'])
    expect(take()).toBe('')
    screen.draw(['one'])
    expect(take()).toBe(`${esc}?2026h${esc}2;1H${esc}J${esc}?2026l`)
  })

  it('never writes below the last row', () => {
    const { screen, take } = createFakes('full', 2)
    take()
    screen.draw(['one', 'two', 'three'])
    expect(take()).not.toContain('three')
  })

  it('starts over after a resize', () => {
    const { screen, take, resizes, readResized } = createFakes('full')
    screen.draw(['one'])
    take()
    resizes.emit('resize')
    expect(readResized()).toBe(1)
    screen.draw(['one'])
    expect(take()).toBe(`${esc}2J${esc}?2026h${esc}1;1H${esc}Kone${esc}?2026l`)
  })

  it('restores the terminal once, however it ends, and removes its listeners', () => {
    const { screen, take, signals, resizes } = createFakes('full')
    take()
    screen.close()
    screen.close()
    signals.emit('exit')
    screen.draw(['late'])
    expect(take()).toBe(`${esc}?25h${esc}?1049l`)
    expect([...signals.eventNames(), ...resizes.eventNames()]).toEqual([])
  })

  it('restores the terminal on a signal and lets the signal have its effect', () => {
    const { take, signals, killed } = createFakes('full')
    take()
    signals.emit('SIGINT')
    expect(take()).toBe(`${esc}?25h${esc}?1049l`)
    expect(killed).toEqual(['1234 SIGINT'])
  })

  it('leaves the effect to another listener for the signal', () => {
    const { signals, killed } = createFakes('full')
    signals.on('SIGINT', () => {})
    signals.emit('SIGINT')
    expect(killed).toEqual([])
  })
})

describe('inline', () => {
  it('redraws in place and keeps the last picture', () => {
    const { screen, take } = createFakes('inline')
    expect(take()).toBe(`${esc}?25l`)
    screen.draw(['one', 'two'])
    expect(take()).toBe(`${esc}?2026h\r${esc}Kone\r\n\r${esc}Ktwo\r\n${esc}?2026l`)
    screen.draw(['one', '2'])
    expect(take()).toBe(`${esc}?2026h\r${esc}2A\r\n\r${esc}K2\r\n${esc}?2026l`)
    screen.close()
    expect(take()).toBe(`${esc}?25h`)
  })
})
