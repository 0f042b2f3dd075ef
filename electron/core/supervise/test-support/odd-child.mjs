// A service stand-in for tests that misbehaves on demand: see the flags below. Not shipped. It stands for no real program, so
// every line and body here is assumed: the supervisor reads none of them.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'

const number = (name, missing) => {
  const index = process.argv.indexOf(name)
  return index === -1 ? missing : Number(process.argv[index + 1])
}
const has = (name) => process.argv.includes(name)

// A test that fails may leave us running, and a mutant of the supervisor often does: end with the test's folder.
const folder = process.cwd()
setInterval(() => existsSync(folder) || process.exit(), 1000)

const port = number('--port', 0)
const readyAfterMs = number('--ready-after', 0)
const exitAfterMs = number('--exit-after', -1)
const exitCode = number('--exit-code', 1)
const stopTakesMs = number('--stop-takes', 0)

if (has('--crash-at-once')) {
  console.error('odd-child: cannot go on')
  process.exit(exitCode)
}
if (has('--grandchild')) {
  // Same process group, holds nothing of ours, ignores SIGTERM: only the group's SIGKILL ends it.
  const program = `process.on('SIGTERM', () => {})
    setInterval(() => require('node:fs').existsSync(${JSON.stringify(folder)}) || process.exit(), 1000)`
  spawn(process.execPath, ['-e', program], { stdio: 'ignore' })
}
if (has('--ignore-term')) process.on('SIGTERM', () => {})
else {
  process.on('SIGTERM', () => {
    if (has('--die-during-stop')) process.kill(process.pid, 'SIGSEGV')
    setTimeout(() => {
      console.error('odd-child: ended as asked')
      process.exit(number('--stop-code', 0))
    }, stopTakesMs)
  })
}
if (has('--flood')) {
  const line = `${'x'.repeat(99)}\n`.repeat(1000)
  const flood = () => {
    process.stdout.write(line)
    setImmediate(flood)
  }
  flood()
}
const startedAt = Date.now()
createServer((_request, response) => {
  const ready = Date.now() - startedAt >= readyAfterMs
  response.writeHead(ready ? 200 : 503).end(ready ? 'ok' : 'loading')
}).listen(port, '127.0.0.1')
if (exitAfterMs >= 0) {
  setTimeout(() => {
    console.error('odd-child: fell over')
    process.exit(exitCode)
  }, exitAfterMs)
}
