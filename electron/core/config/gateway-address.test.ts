// Traefik's form of an address, and how the gateway behind it is reached from here.
import { expect, it } from 'vitest'
import { readGatewayAddress } from './gateway-address.ts'

it.each([
  [':80', '0.0.0.0', 80, 'http://ai.opta.local', 'http://127.0.0.1:80'],
  ['127.0.0.1:8000', '127.0.0.1', 8000, 'http://ai.opta.local:8000', 'http://127.0.0.1:8000'],
  ['[::1]:80', '::1', 80, 'http://ai.opta.local', 'http://[::1]:80'],
  ['10.0.0.5:81', '10.0.0.5', 81, 'http://ai.opta.local:81', 'http://10.0.0.5:81'],
])('%s', (listen, host, port, endpoint, localUrl) => {
  expect(readGatewayAddress(listen)).toEqual({ host, port, endpoint, localUrl })
})
