// Checks on Claude Code: room in its slot, its settings and variables on this machine.

import { constants } from 'node:fs'
import { join } from 'node:path'
import { isLoopback } from '../base/local-url.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { mayAccess } from '../base/regular-file.ts'
import { claudeSettings } from '../clients/claude-settings.ts'
import { clientBaseUrl } from '../clients/client-address.ts'
import { type ReachAddress, readAddress } from '../clients/reach-address.ts'
import { readSettings } from '../clients/settings-judgement.ts'
import { readReleaseTry, releaseTriesFile } from '../clients/tried-releases.ts'
import { clientName } from '../config/gateway-address.ts'
import { plannedServer } from '../memory/planned-server.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { claudeModelName } from '../router/claude-model-name.ts'
import { type ClientLimits, clientLimits } from '../router/client-limits.ts'
import type { CheckSource } from './check.ts'
import {
  type Env,
  judgeMends,
  judgeRoom,
  judgeSettings,
  judgeVariables,
  judgeVersion,
} from './client-judgements.ts'
import type { DoctorFacts } from './facts.ts'

/** The first match on the caller's PATH; null when there is none. */
const findOnPath = (name: string, env: Env): string | null =>
  (env['PATH'] ?? '')
    .split(':')
    .filter((dir) => dir.startsWith('/'))
    .map((dir) => join(dir, name))
    .find((path) => mayAccess(path, constants.X_OK)) ?? null

const readVersion = async (run: RunCommand, env: Env): Promise<string | null> => {
  const path = findOnPath('claude', env)
  if (path === null) return null
  const result = await run([path, '--version'], { timeoutMs: 1_500 })
  return result.kind === 'exited' && result.exitCode === 0 ? result.stdout : null
}

const readLimits = async ({ modelHeader, chosen }: DoctorFacts): Promise<ClientLimits> => {
  const header = await modelHeader()
  const trained = header.kind === 'header' ? header.header.trainingContextTokens : null
  return clientLimits(chosen.profile.llamaServer, trained)
}

/** Whether an address leads to this machine's Router. */
const findHere = async ({ lanAddresses, chosen }: DoctorFacts): Promise<(url: ReachAddress) => boolean> => {
  const own = await lanAddresses()
  return ({ host, port }) =>
    host === clientName || (port === chosen.profile.proxy.port && (isLoopback(host) || own.includes(host)))
}

export const checksOnClients: readonly CheckSource[] = [
  {
    id: 'clients.room',
    title: 'Context for each',
    why: 'Claude Code compacts in time only if it knows the size of its slot and has room in it; otherwise its request is refused first',
    read: async (facts) => judgeRoom(await readLimits(facts), facts.place),
  },
  {
    id: 'clients.mends',
    title: "Router's fixes",
    why: 'Claude Code was built for another server; each of these was seen to break it here',
    read: async ({ chosen, place }) => judgeMends(chosen.profile, place),
  },
  {
    id: 'clients.variables',
    title: 'Variables',
    why: 'Claude Code reads them from the shell that starts it, and says little when one is wrong',
    read: async (facts) => judgeVariables(facts.env, await findHere(facts)),
  },
  {
    id: 'clients.settings',
    title: 'Claude settings',
    why: "they contain the profile's limits, and are not updated when the profile changes",
    read: async (facts) => {
      const { env, homeDir, lanAddresses } = facts
      const path = join(env['CLAUDE_CONFIG_DIR'] || join(homeDir, '.claude'), 'settings.json')
      const text = readFileOrNull(path)
      if (text === null) return null
      const { proxy, llamaServer } = facts.chosen.profile
      const here = await findHere(facts)
      const baseUrl = clientBaseUrl(proxy, await lanAddresses())
      const { slots } = plannedServer(llamaServer)
      const expected = claudeSettings({ baseUrl, apiKey: '', limits: await readLimits(facts), proxy, slots })
      const reading = readSettings(text, expected, (url) => {
        const address = readAddress(url)
        return address.kind === 'address' && here(address.address)
      })
      return judgeSettings(path, reading)
    },
  },
  {
    id: 'clients.version',
    title: 'Claude Code',
    why: 'its requests change from release to release',
    read: async ({ run, env, chosen, folder }) => {
      const says = await readVersion(run, env)
      if (says === null) return null
      return judgeVersion(says, claudeModelName(chosen.profile.proxy), (version) =>
        readReleaseTry(join(folder.root, releaseTriesFile), version),
      )
    },
  },
]
