import { describe, expect, it } from 'vitest'
import { hasRecordings, readRecording } from '../platform/test-support/recordings.ts'
import { explainLiteLlmExit } from './litellm-exit.ts'

const explain = (exitCode: number | null, log: string, signal: string | null = null) =>
  explainLiteLlmExit({ exitCode, signal, logTail: log.split('\n') })

// Line endings of real logs, LiteLLM 1.106.2 on Linux x86-64, with paths shortened.
const failedStart = (error: string) => `INFO:     Started server process [71]
INFO:     Waiting for application startup.
  File "/opt/nexus/lvenv/lib/python3.11/site-packages/litellm/proxy/proxy_server.py", line 1459, in proxy_startup_event
    await initialize_from_worker_config(worker_config)
${error}

ERROR:    Application startup failed. Exiting.
`

describe('why LiteLLM ended', () => {
  it('names a taken port, on Linux and on macOS, also in the middle of the log', () => {
    for (const errno of [98, 48]) {
      const line = `[Errno ${errno}] error while attempting to bind on address ('127.0.0.1', 4000): address already in use`
      const log = `ERROR:    ${line}\nINFO:     Application shutdown complete.\nasyncio.exceptions.CancelledError`
      expect(explain(3, log)).toEqual({
        reason: `LiteLLM ended: port 4000 is taken by another program: ${line}`,
        permanent: true,
      })
    }
  })

  it.each([
    [
      "ERROR:    [Errno 99] error while attempting to bind on address ('192.0.2.1', 4000): cannot assign requested address",
      '192.0.2.1 is not an address of this machine',
    ],
    [
      "ERROR:    [Errno 13] error while attempting to bind on address ('127.0.0.1', 80): permission denied",
      'this user may not listen on port 80',
    ],
    [
      "ERROR:    [Errno -2] error while looking up host 'nope.invalid': Name or service not known",
      'the host nope.invalid is unknown',
    ],
    [
      'yaml.parser.ParserError: while parsing a block collection\n  in "/state/bad.yaml", line 2, column 3\nexpected <block end>, but found \'<block mapping start>\'\n  in "/state/bad.yaml", line 3, column 4',
      'its configuration is not valid YAML: while parsing a block collection (/state/bad.yaml, line 2)',
    ],
    [
      '    raise Exception(f"Config file not found: {file_path}")\nException: Config file not found: /state/missing.yaml',
      'its configuration is missing: /state/missing.yaml',
    ],
    [
      "ModuleNotFoundError: No module named 'litellm'",
      "the Python environment of LiteLLM is broken: set it up again (No module named 'litellm')",
    ],
    [
      "/runtime/litellm/bin/python: can't open file '/state/litellm/opta_litellm.py': [Errno 2] No such file or directory",
      'a file of ours is missing: /state/litellm/opta_litellm.py',
    ],
  ])('explains %s', (log, reason) => {
    const explanation = explain(1, log)
    expect(explanation.reason).toContain(reason)
    expect(explanation.permanent).toBe(true)
  })

  it('distinguishes a missing extension from a broken environment', () => {
    const log = failedStart(`ModuleNotFoundError: No module named 'opta_router'

The above exception was the direct cause of the following exception:

ImportError: Could not import custom_auth from opta_router`)
    expect(explain(3, log)).toEqual({
      reason:
        'LiteLLM ended: the extension opta_router.py beside its configuration is missing or has no custom_auth',
      permanent: true,
    })
  })

  it('says what is wrong with the master key', () => {
    const error =
      'litellm.proxy.auth.master_key_boot_check.UnsafeMasterKeyError: LiteLLM proxy refused to start: the master key is a publicly known default. The fix is printed once the server exits.'
    expect(explain(3, failedStart(error)).reason).toBe(
      'LiteLLM ended: it refuses its master key: LiteLLM proxy refused to start: the master key is a publicly known default.',
    )
  })

  it('quotes the error of another failed start, and does not retry it', () => {
    expect(explain(3, failedStart("TypeError: 'int' object is not iterable"))).toEqual({
      reason: "LiteLLM ended with exit status 3: TypeError: 'int' object is not iterable",
      permanent: true,
    })
  })

  it('does not blame the traceback of a request once it was ready', () => {
    const log = `INFO:     Uvicorn running on http://127.0.0.1:4000 (Press CTRL+C to quit)
ModuleNotFoundError: No module named 'google'
INFO:     127.0.0.1:1 - "POST /v1/messages HTTP/1.1" 500 Internal Server Error`
    expect(explain(1, log).permanent).toBe(false)
    expect(explain(1, `${log}\nOSError: [Errno 28] No space left on device`).reason).toContain(
      'the disk is full',
    )
  })

  // The form of LiteLLM 1.106.2 (recorded, Linux x86-64), shortened; names made up.
  const requestError = (error: string) => `Traceback (most recent call last):
  File "/r/litellm/lib/python3.11/site-packages/uvicorn/protocols/http/httptools_impl.py", line 409, in run_asgi
    result = await app(
${error}`
  const answered = 'INFO:     127.0.0.1:33446 - "POST /v1/messages HTTP/1.1" 500 Internal Server Error'

  it.each([
    "ImportError: cannot import name 'made_up' from 'litellm'",
    "ModuleNotFoundError: No module named 'google'",
    'ImportError: Could not import custom_auth from opta_router',
    "FileNotFoundError: [Errno 2] No such file or directory: '/r/opta_limits.json'",
    'yaml.parser.ParserError: while parsing a block\n  in "/x.yaml", line 2, column 3',
  ])('does not give up over one request: %s', (error) => {
    for (const log of [
      `${requestError(error)}\n${answered}`,
      // The last lines may be the traceback alone, cut off at its beginning.
      requestError(error),
    ])
      expect(explain(1, log).permanent).toBe(false)
    const cut = error.split('\n')
    expect(explainLiteLlmExit({ exitCode: 1, signal: null, logTail: cut }, true).permanent).toBe(false)
    // The same without any service is a start that will fail again.
    expect(explainLiteLlmExit({ exitCode: 1, signal: null, logTail: cut }, false).permanent).toBe(true)
  })

  it.each([
    [0, null],
    [null, null],
    [null, 'SIGTERM'],
  ])('a clean shutdown, whatever was logged before (status %s, signal %s)', (exitCode, signal) => {
    const log = `${requestError("ModuleNotFoundError: No module named 'google'")}
${answered}
OSError: [Errno 28] No space left on device
INFO:     Shutting down
INFO:     Waiting for application shutdown.
INFO:     Application shutdown complete.
INFO:     Finished server process [1160]
sys:1: ResourceWarning: unclosed <socket.socket fd=7>`
    expect(explain(exitCode, log, signal)).toEqual({
      reason: 'LiteLLM was stopped by something other than Nexus and shut down normally',
      permanent: false,
    })
    expect(explain(null, log, 'SIGKILL').reason).toContain('SIGKILL')
  })

  it('does not blame an earlier shortage for a later exit', () => {
    const log = `MemoryError\nOSError: [Errno 28] No space left on device\n${answered}\nKeyError: 'made up'`
    expect(explain(1, log)).toEqual({
      reason: "LiteLLM ended with exit status 1: KeyError: 'made up'",
      permanent: false,
    })
  })

  it('names a Python that an upgrade removed, and a crash', () => {
    const log = `dyld[4711]: Library not loaded: /opt/homebrew/Cellar/python@3.13/3.13.0/Frameworks/Python.framework/Versions/3.13/Python
  Referenced from: <01234567-89AB-3CDE-8F01-23456789ABCD> /x/litellm/bin/python3.13
  Reason: tried: '/opt/homebrew/Cellar/python@3.13/3.13.0/Python' (no such file)`
    expect(explain(null, log, 'SIGABRT')).toEqual({
      reason: expect.stringMatching(/Python needs the library .*Python, .*: set it up again$/),
      permanent: true,
    })
    expect(explain(null, '', 'SIGSEGV').reason).toBe('LiteLLM crashed (SIGSEGV)')
  })

  it('names signals, whatever the log says', () => {
    const log = "ModuleNotFoundError: No module named 'litellm'"
    expect(explain(null, log, 'SIGKILL')).toEqual({
      reason: 'LiteLLM was killed (SIGKILL) by a user, or by the system because memory ran out',
      permanent: false,
    })
    expect(explain(null, '', 'SIGTERM').reason).toContain('SIGTERM')
  })

  it('does not guess', () => {
    expect(explain(0, '')).toEqual({
      reason: 'LiteLLM ended with exit status 0; its log does not say why',
      permanent: false,
    })
    expect(explain(null, '\u001b[31m\u001b[0m').reason).toBe('LiteLLM ended; its log does not say why')
  })
})

describe.skipIf(!hasRecordings)('why LiteLLM ended, recorded (skipped without the recordings)', () => {
  it.each([
    ['start-port-in-use.log', 3, /port 18892 is taken by another program/],
    [
      'start-config-bad-yaml.log',
      1,
      /not valid YAML: while parsing a block collection \(bad\.yaml, line 2\)/,
    ],
    ['start-weak-master-key.log', 3, /refuses its master key: .* publicly known default\.$/],
  ])('%s', (file, exitCode, reason) => {
    const explanation = explain(exitCode, readRecording(`litellm/${file}`))
    expect(explanation.reason).toMatch(reason)
    expect(explanation.permanent).toBe(true)
  })

  it('orderly-shutdown-tail.txt', () => {
    for (const exitCode of [0, null])
      expect(explain(exitCode, readRecording('litellm/orderly-shutdown-tail.txt'))).toEqual({
        reason: 'LiteLLM was stopped by something other than Nexus and shut down normally',
        permanent: false,
      })
  })
})
