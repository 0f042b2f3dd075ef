// Why Traefik ended, on what the real 3.7.15 wrote (Linux x86-64), colours and all.
import { describe, expect, it } from 'vitest'
import { explainTraefikExit } from './traefik-exit.ts'

const coloured = (said: string) =>
  `\u001b[90m2026-11-26T18:39:38Z\u001b[0m \u001b[31mERR\u001b[0m \u001b[1mCommand error\u001b[0m \u001b[36merror=\u001b[0m\u001b[31m\u001b[1m"command traefik error: ${said}"\u001b[0m\u001b[0m`
const listenError = (what: string) =>
  coloured(`error while building entryPoint nexus: building listener: error opening listener: ${what}`)

const explain = (
  line: string,
  listen = ':80',
  platform: 'darwin' | 'linux' = 'linux',
  exit: { readonly exitCode: number | null; readonly signal: string | null } = { exitCode: 1, signal: null },
) =>
  explainTraefikExit(
    { ...exit, logTail: line === '' ? [] : [line, ''] },
    { platform, binaryPath: '/run time/traefik', listen },
  )

describe('why Traefik ended', () => {
  it('a port below 1024: explains who may listen there on this system', () => {
    const line = listenError('listen tcp :80: bind: permission denied')
    const onLinux = explain(line)
    expect(onLinux.permanent).toBe(true)
    expect(onLinux.reason).toContain("sudo setcap cap_net_bind_service=+ep '/run time/traefik'")
    expect(onLinux.reason).toContain('listen tcp :80: bind: permission denied')
    const onMac = explain(
      listenError('listen tcp 127.0.0.1:80: bind: permission denied'),
      '127.0.0.1:80',
      'darwin',
    )
    expect(onMac.reason).toContain('set gateway.listen to :80')
    expect(onMac.reason).not.toContain('setcap')
  })

  it.each([
    [
      'listen tcp 127.0.0.1:45801: bind: address already in use',
      '127.0.0.1:45801 is taken by another program',
    ],
    [
      'listen tcp 192.0.2.7:45802: bind: cannot assign requested address',
      '192.0.2.7:45802 is not an address of this machine',
    ],
    // As Go spells it on macOS (syscall/zerrors_darwin_arm64.go); not recorded.
    [
      "listen tcp 192.0.2.7:45802: bind: can't assign requested address",
      '192.0.2.7:45802 is not an address of this machine',
    ],
    [
      'listen tcp: lookup nosuch.example on 10.255.255.53:53: no such host',
      'nosuch.example:45804, is unknown',
    ],
  ])('%s', (what, words) => {
    const listen = /listen tcp ([^ ]+:\d+): /.exec(what)?.[1] ?? 'nosuch.example:45804'
    const { reason, permanent } = explain(listenError(what), listen)
    expect(reason).toContain(words)
    expect(reason).toContain(what)
    expect(permanent).toBe(true)
  })

  it('quotes an unknown error, also from the JSON line of a broken file', () => {
    const line = `{"level":"error","error":"command traefik error: yaml: line 1: did not find expected ',' or ']'","time":"2026-11-26T18:50:40Z","message":"Command error"}`
    expect(explain(line)).toEqual({
      reason: "Traefik ended with exit status 1: yaml: line 1: did not find expected ',' or ']'",
      permanent: false,
    })
  })

  it('a clean shutdown, whatever was logged before', () => {
    const earlier =
      '\u001b[90m2026-11-28T17:39:53Z\u001b[0m \u001b[31mERR\u001b[0m \u001b[1mmade up: a rule that it could not read\u001b[0m'
    expect(explain(earlier, ':80', 'linux', { exitCode: 0, signal: null })).toEqual({
      reason: 'Traefik was stopped by something other than Nexus and shut down normally',
      permanent: false,
    })
  })

  it('a signal, an unobserved exit, and a log without a reason', () => {
    expect(explain('', ':80', 'linux', { exitCode: null, signal: 'SIGKILL' }).reason).toContain('was killed')
    expect(explain('', ':80', 'linux', { exitCode: null, signal: 'SIGTERM' }).reason).toContain('SIGTERM')
    // A crash of its own is not what another process did.
    expect(explain('', ':80', 'linux', { exitCode: null, signal: 'SIGSEGV' }).reason).toBe(
      'Traefik crashed (SIGSEGV)',
    )
    expect(explain('', ':80', 'linux', { exitCode: null, signal: null })).toEqual({
      reason: 'Traefik ended; its log does not say why',
      permanent: false,
    })
  })
})
