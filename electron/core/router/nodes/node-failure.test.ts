import { describe, expect, it } from 'vitest'
import { explainNodeFailure } from './node-failure.ts'

const failure = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.2:8080`), { code })
const mac = { platform: 'darwin', program: '/opt/node/bin/node' } as const

describe('explainNodeFailure', () => {
  it("mentions macOS's local network privacy if it may be the cause", () => {
    const said = explainNodeFailure('http://10.0.0.2:8080', failure('EHOSTUNREACH'), mac)
    expect(said).toContain('http://10.0.0.2:8080 does not answer: connect EHOSTUNREACH')
    expect(said).toContain('Local Network, allow /opt/node/bin/node')
  })
  it('finds it among the addresses of one name, and words an error without a message', () => {
    const both = new AggregateError([failure('EHOSTUNREACH'), failure('ENETUNREACH')])
    expect(explainNodeFailure('http://b:1', both, mac)).toMatch(/EHOSTUNREACH, ENETUNREACH; .*Local Network/)
  })
  it.each([
    ['another failure', failure('ECONNREFUSED'), mac],
    ['another system', failure('EHOSTUNREACH'), { ...mac, platform: 'linux' }],
    ['a time-out', new DOMException('The operation was aborted due to timeout', 'TimeoutError'), mac],
  ] as const)('does not name it for %s', (_, error, where) => {
    expect(explainNodeFailure('http://b:1', error, where)).not.toContain('Local Network')
  })
})
