// Temporary log files and real children that write to them, for tests.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLogForChild } from '../log-file.ts'

export const createLogFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-log-'))
  return {
    path: join(folder, 'logs', 'child.log'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Runs this JavaScript in a real process whose stdout and stderr are the log, as a service's are. */
export const spawnWriter = (path: string, source: string, ...argv: string[]): ChildProcess => {
  const fd = openLogForChild(path)
  try {
    return spawn(process.execPath, ['-e', source, ...argv], { stdio: ['pipe', fd, fd] })
  } finally {
    closeSync(fd)
  }
}

export const waitForExit = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

/** Writes `count` numbered lines in bursts, `perSecond` a second; then writes count, slowest write and total time (ms) to the report file. */
export const numberedWriter = `
const fs = require('node:fs')
const [count, perSecond] = process.argv.slice(1, 3).map(Number)
const report = process.argv[3]
const burstMs = Number(process.argv[4] ?? 2)
const started = performance.now()
let written = 0
let slowestMs = 0
const burst = () => {
  const due = Math.min(count, Math.ceil((performance.now() - started) * perSecond / 1000))
  let text = ''
  while (written < due) text += 'line ' + String(written++).padStart(8, '0') + ' ' + 'x'.repeat(60) + '\\n'
  const before = performance.now()
  if (text !== '') fs.writeSync(1, text)
  slowestMs = Math.max(slowestMs, performance.now() - before)
  if (written < count) setTimeout(burst, burstMs)
  else if (report) fs.writeFileSync(report, [written, slowestMs, performance.now() - started].join(' '))
}
burst()
`
