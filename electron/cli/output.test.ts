import { EventEmitter } from 'node:events'
import { expect, it, vi } from 'vitest'
import { forTerminal, watchOutput } from './output.ts'

const errno = (code: string): Error => Object.assign(new Error(`${code}: write`), { code })

const watch = () => {
  const stdout = new EventEmitter()
  const written: string[] = []
  const stderr = Object.assign(new EventEmitter(), { write: (text: string) => void written.push(text) })
  const exit = vi.fn()
  return { stdout, stderr, exit, written, output: watchOutput({ stdout, stderr, exit }) }
}

it('succeeds when the reader closes the pipe', () => {
  const { stdout, exit, written } = watch()
  stdout.emit('error', errno('EPIPE'))
  expect(exit.mock.calls).toEqual([[0]])
  expect(written).toEqual([])
})

it.each(['ENOSPC', 'EIO', 'EBADF'])('fails on %s from stdout, with a message', (code) => {
  const { stdout, exit, written } = watch()
  stdout.emit('error', errno(code))
  expect(exit.mock.calls).toEqual([[1]])
  expect(written).toEqual([`nexus: could not write the output: ${code}: write\n`])
})

it('ends nothing when stderr is closed', () => {
  const { stderr, exit, output } = watch()
  stderr.emit('error', errno('EPIPE'))
  stderr.emit('error', errno('EIO'))
  expect(exit).not.toHaveBeenCalled()
  expect(output.conclude(0)).toBe(0)
  stderr.emit('error', errno('ENOSPC'))
  expect(exit).not.toHaveBeenCalled()
  expect(output.conclude(0)).toBe(1)
})

it('lets a command clean up before it fails', () => {
  const { stdout, exit, written, output } = watch()
  const cleanUp = vi.fn()
  const undo = output.onLost(cleanUp)
  stdout.emit('error', errno('EPIPE'))
  expect(cleanUp).toHaveBeenCalledTimes(1)
  expect(output.conclude(0)).toBe(0)
  stdout.emit('error', errno('ENOSPC'))
  stdout.emit('error', errno('ENOSPC'))
  expect(exit).not.toHaveBeenCalled()
  expect(written).toHaveLength(1)
  expect([output.conclude(0), output.conclude(3)]).toEqual([1, 3])
  undo()
  stdout.emit('error', errno('EPIPE'))
  expect(exit).toHaveBeenCalledTimes(1)
})

it('passes only our own colours, and only where colour is on', () => {
  const line = '\u001b[31mfailed\u001b[0m: \u001b]0;title\u0007\u001b[5mblink'
  expect(forTerminal(line, true)).toBe('\u001b[31mfailed\u001b[0m: ␛]0;title␇blink')
  expect(forTerminal(line, false)).toBe('failed: ␛]0;title␇blink')
})
